/** One element of DER (X.690). */
export interface DerElement {
  readonly tag: number;
  readonly contents: Buffer;
  /** The whole element, including tag and length. */
  readonly bytes: Buffer;
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectId: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
} as const;

/** The bytes are not valid DER: an element is cut off or longer than the element that contains it. */
export class DerError extends Error {
  override readonly name = "DerError";
}

/** Returns the elements in `bytes`, in order. Throws DerError. */
export function derElements(bytes: Buffer): readonly DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length;) {
    const element = elementAt(bytes, at);
    elements.push(element);
    at += element.bytes.length;
  }
  return elements;
}

/** Returns the first element in `bytes`. Further bytes are ignored. Throws DerError. */
export const firstElement = (bytes: Buffer): DerElement => elementAt(bytes, 0);

function elementAt(bytes: Buffer, start: number): DerElement {
  const tag = bytes[start];
  const first = bytes[start + 1];
  // Certificates contain no tag number above 30.
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw new DerError();
  let at = start + 2;
  let length = first;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 4 || at + count > bytes.length) throw new DerError();
    length = bytes.readUIntBE(at, count);
    at += count;
  }
  const end = at + length;
  if (end > bytes.length) throw new DerError();
  return { tag, contents: bytes.subarray(at, end), bytes: bytes.subarray(start, end) };
}
