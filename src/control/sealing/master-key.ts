import { createSecretKey, hkdfSync, randomBytes, type KeyObject } from "node:crypto";

const KEY_BYTES = 32;
const ID_BYTES = 16;

/** What the keys that are derived from the master key are used for. Two uses never share a key (RFC 5869, section 3.2). */
type Use = "identify" | "wrap data keys";

/**
 * The master key of a director. Only keys that HKDF-SHA-256 derives from it are used, and it cannot be read back. The text of a
 * master key is base64 of 32 random bytes, as `openssl rand -base64 32` prints it.
 */
export class MasterKey {
  /** The check value. It identifies the key and says nothing else about it. */
  readonly id: string;
  readonly #key: KeyObject;
  readonly #wrappingKey: KeyObject;

  /** `bytes` are set to zero. */
  constructor(bytes: Buffer) {
    if (bytes.length !== KEY_BYTES) throw new RangeError(`A master key of ${bytes.length} bytes.`);
    this.#key = createSecretKey(bytes);
    bytes.fill(0);
    this.id = this.#derive("identify", ID_BYTES).toString("base64url");
    const wrapping = this.#derive("wrap data keys", KEY_BYTES);
    this.#wrappingKey = createSecretKey(wrapping);
    wrapping.fill(0);
  }

  /** The key that encrypts data keys with AES-256-GCM. */
  get wrappingKey(): KeyObject {
    return this.#wrappingKey;
  }

  #derive(use: Use, length: number): Buffer {
    return Buffer.from(hkdfSync("sha256", this.#key, "", `tlsd master key 1: ${use}`, length));
  }
}

/** Returns undefined if the text is not that of a master key. White space around it is ignored. `text` is set to zero. */
export function tryParseMasterKey(text: Buffer): MasterKey | undefined {
  const written = text.toString("latin1").trim();
  text.fill(0);
  const bytes = Buffer.from(written, "base64");
  // The decoder skips what is not base64.
  const isKey = bytes.length === KEY_BYTES && bytes.toString("base64") === written;
  return isKey ? new MasterKey(bytes) : undefined;
}

/** Returns the text of a new master key. The caller sets it to zero when it is written. */
export function newMasterKeyText(): Buffer {
  const bytes = randomBytes(KEY_BYTES);
  const text = Buffer.from(`${bytes.toString("base64")}\n`, "latin1");
  bytes.fill(0);
  return text;
}
