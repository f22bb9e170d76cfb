import { hash } from "node:crypto";

/** What a derived key is used for (RFC 7292 appendix B.3). */
export const PURPOSE = { key: 1, iv: 2, mac: 3 } as const;

/** The number of bytes that the hash takes at a time. */
const BLOCK_BYTES: Readonly<Record<string, number>> = {
  md5: 64,
  sha1: 64,
  sha224: 64,
  sha256: 64,
  sha384: 128,
  sha512: 128,
};

export interface DerivationOptions {
  /** The passphrase in UTF-16BE with a NUL at its end, or no bytes. */
  readonly passphrase: Buffer;
  readonly salt: Buffer;
  readonly iterations: number;
  readonly digest: string;
  readonly purpose: number;
  readonly bytes: number;
}

/**
 * Derives key material from a passphrase (RFC 7292 appendix B.2). node-forge has this function too, in JavaScript, and takes ten times
 * as long.
 */
export function derivePkcs12Key(options: DerivationOptions): Buffer {
  const { passphrase, salt, iterations, digest, purpose, bytes } = options;
  const blockBytes = BLOCK_BYTES[digest] ?? 64;
  const diversifier = Buffer.alloc(blockBytes, purpose);
  const input = Buffer.concat([filled(salt, blockBytes), filled(passphrase, blockBytes)]);
  const output: Buffer[] = [];
  for (let done = 0; done < bytes;) {
    let block = hash(digest, Buffer.concat([diversifier, input]), "buffer");
    for (let round = 1; round < iterations; round += 1) block = hash(digest, block, "buffer");
    output.push(block);
    done += block.length;
    const addend = Buffer.alloc(blockBytes, block);
    for (let at = 0; at < input.length; at += blockBytes) {
      increase(input.subarray(at, at + blockBytes), addend);
    }
  }
  return Buffer.concat(output).subarray(0, bytes);
}

/** Repeats `bytes` until they fill whole blocks. */
const filled = (bytes: Buffer, blockBytes: number): Buffer =>
  bytes.length === 0
    ? bytes
    : Buffer.alloc(Math.ceil(bytes.length / blockBytes) * blockBytes, bytes);

/** Adds `addend` and 1 to `number`. Both are big-endian, and the carry out of the first byte is dropped. */
function increase(number: Buffer, addend: Buffer): void {
  let carry = 1;
  for (let at = number.length - 1; at >= 0; at -= 1) {
    carry += (number[at] ?? 0) + (addend[at] ?? 0);
    number[at] = carry & 0xff;
    carry >>= 8;
  }
}

/** Returns the passphrase as RFC 7292 appendix B.1 encodes it. */
export const pkcs12Passphrase = (passphrase: string): Buffer =>
  Buffer.from(`${passphrase}\0`, "utf16le").swap16();
