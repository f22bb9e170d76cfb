import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from "node:crypto";

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The result of an encryption. Each value is base64url without padding. */
export interface Encrypted {
  readonly nonce: string;
  readonly bytes: string;
  readonly tag: string;
}

/** Encrypts with AES-256-GCM and a random nonce of 96 bits (NIST SP 800-38D, section 8.2.2). */
export function encryptBytes(
  key: KeyObject | Buffer,
  bytes: Buffer,
  additionalData: Buffer,
): Encrypted {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(additionalData);
  const encrypted = Buffer.concat([cipher.update(bytes), cipher.final()]);
  return {
    nonce: nonce.toString("base64url"),
    bytes: encrypted.toString("base64url"),
    tag: cipher.getAuthTag().toString("base64url"),
  };
}

/** Returns undefined if the key, the additional data or one bit of `encrypted` is another than at the encryption. */
export function tryDecryptBytes(
  key: KeyObject | Buffer,
  encrypted: Encrypted,
  additionalData: Buffer,
): Buffer | undefined {
  const nonce = tryDecode(encrypted.nonce);
  const bytes = tryDecode(encrypted.bytes);
  const tag = tryDecode(encrypted.tag);
  if (nonce?.length !== NONCE_BYTES || tag?.length !== TAG_BYTES || bytes === undefined) {
    return undefined;
  }
  // Without this length, Node accepts tags that were cut to 4 bytes.
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(additionalData);
  decipher.setAuthTag(tag);
  const decrypted = decipher.update(bytes);
  try {
    decipher.final();
    return decrypted;
  } catch {
    decrypted.fill(0);
    return undefined;
  }
}

/** Returns undefined if the text is not what the encoder would have written, e.g. if a bit after the last byte is set. */
function tryDecode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}

/**
 * Joins fields into additional data, each after its length in bytes, so that other fields never give the same bytes. Throws
 * RangeError if a field has a lone surrogate, because all of them have the same bytes.
 */
export function additionalDataOf(fields: readonly string[]): Buffer {
  const parts = fields.flatMap((field) => {
    if (!field.isWellFormed()) throw new RangeError("A field has a lone surrogate.");
    const bytes = Buffer.from(field, "utf8");
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  });
  return Buffer.concat(parts);
}
