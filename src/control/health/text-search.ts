/** The bytes of a buffer or of an array. */
type Bytes = ArrayLike<number>;

/**
 * Searches a stream for a text (Knuth, Morris and Pratt). It keeps none of the stream and looks at each byte once, so the way in which
 * the stream is divided into chunks costs nothing.
 */
export class TextSearch {
  readonly #text: Bytes;
  /** For each length of a beginning of the text: the length of the longest shorter beginning with which it ends. */
  readonly #fallbacks: Uint16Array;
  /** So many bytes of the text are the last ones that were read. */
  #matched = 0;

  /** The text has 1 to 65,535 bytes. */
  constructor(text: Bytes) {
    this.#text = text;
    this.#fallbacks = new Uint16Array(text.length + 1);
    for (let length = 2; length <= text.length; length += 1) {
      const fallback = this.#fallbacks[length - 1] ?? 0;
      this.#fallbacks[length] = this.#after(fallback, text[length - 1]);
    }
  }

  /** Returns whether the text has been found in this chunk and those before it. Must not be called again after that. */
  finds(chunk: Bytes): boolean {
    const { length } = this.#text;
    for (let at = 0; at < chunk.length; at += 1) {
      this.#matched = this.#after(this.#matched, chunk[at]);
      if (this.#matched === length) return true;
    }
    return false;
  }

  /** Returns how much of the text is matched after `byte`, if `matched` bytes were before it. */
  #after(matched: number, byte: number | undefined): number {
    let length = matched;
    while (length > 0 && this.#text[length] !== byte) length = this.#fallbacks[length] ?? 0;
    return this.#text[length] === byte ? length + 1 : 0;
  }
}
