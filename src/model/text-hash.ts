/** Returns a hash of 32 bits: FNV-1a over the UTF-16 code units, with its high bits mixed into the low ones. It is not cryptographic. */
export function textHashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash ^ (hash >>> 15);
}
