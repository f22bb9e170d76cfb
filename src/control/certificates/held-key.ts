/**
 * A private key that the control process holds for workers. That of a certificate in the inventory is held sealed, and is opened each
 * time that it is sent. The text of a key cannot be wiped from memory, so it should exist for a short time only.
 */
export class HeldKey {
  /** The length of the PEM. */
  readonly length: number;
  #open: () => string;

  private constructor(length: number, open: () => string) {
    this.length = length;
    this.#open = open;
  }

  /** A key in PEM that is in a file or is not saved yet. */
  static clear(pem: string): HeldKey {
    return new HeldKey(pem.length, () => pem);
  }

  /** Returns the key in PEM. Throws DirectorError if it is sealed and cannot be opened. */
  open(): string {
    return this.#open();
  }

  /** From now on, `open` opens the key. What was held until now is forgotten. */
  keepSealed(open: () => string): void {
    this.#open = open;
  }
}
