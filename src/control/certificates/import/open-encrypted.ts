import { createDecipheriv, pbkdf2Sync } from "node:crypto";
import forge from "node-forge";
import { problemOf } from "#model/problem.ts";
import type { KeyEncryption } from "../key-encryption.ts";
import type { KeyWork } from "../key-work.ts";
import { isRefusal } from "../parse-certificates.ts";
import { SourceProblem } from "../source-problem.ts";
import { derivePkcs12Key, PURPOSE } from "./pkcs12-key.ts";

/** A passphrase in the encodings of both standards. */
export interface Passphrase {
  readonly text: string;
  /** From `pkcs12Passphrase`, or no bytes. */
  readonly pkcs12: Buffer;
}

const IV_BYTES = 8;
const SHA1_BYTES = 20;
const TWO_KEYS_BYTES = 16;

/**
 * Decrypts a part of a PKCS #12 file. Returns undefined if the passphrase is wrong, as far as the padding shows it. Throws SourceProblem
 * if the algorithm is not supported or the decryption would take too long.
 */
export function tryDecrypt(
  encryption: KeyEncryption,
  data: Buffer,
  passphrase: Passphrase,
  { place, work }: { readonly place: string; readonly work: KeyWork },
): Buffer | undefined {
  if (encryption.kind === "scrypt") throw unsupported(place, "scrypt");
  const refusal = work.tryRefuse(encryption, place, derivationsOf(encryption));
  if (refusal !== undefined) {
    throw new SourceProblem({ ...refusal, ...(isWeak(encryption) ? { hint: LEGACY_HINT } : {}) });
  }
  try {
    if (encryption.kind === "pbkdf2") return openWithPbkdf2(encryption, data, passphrase, place);
    if (encryption.kind === "pkcs12") return openWithPkcs12(encryption, data, passphrase);
    return undefined;
  } catch (error) {
    // OpenSSL refuses the padding, or the length of the data or of the initialization vector.
    if (!isRefusal(error)) throw error;
    return undefined;
  }
}

/** How a PKCS #12 file is converted that only OpenSSL can open. */
export const CONVERSION_HINT =
  "`openssl pkcs12 -in FILE -out PEM-FILE` converts it. Then import PEM-FILE.";
const LEGACY_HINT =
  "`openssl pkcs12 -legacy -in FILE -out PEM-FILE` converts it. Then import PEM-FILE.";

const isWeak = ({ kind }: KeyEncryption): boolean => kind === "unsupported";

const unsupported = (place: string, name: string): SourceProblem =>
  new SourceProblem(
    problemOf(
      "encryption-unsupported",
      place,
      `It is PKCS #12 that is encrypted with ${name}, which is not supported.`,
      CONVERSION_HINT,
    ),
  );

/** Returns how often the derivation is run for key and initialization vector. */
const derivationsOf = (encryption: KeyEncryption): number =>
  encryption.kind === "pkcs12" ? Math.ceil(encryption.keyBytes / SHA1_BYTES) + 1 : 1;

function openWithPbkdf2(
  encryption: Extract<KeyEncryption, { readonly kind: "pbkdf2" }>,
  data: Buffer,
  { text }: Passphrase,
  place: string,
): Buffer {
  const { iterations, salt, digest, cipher, iv } = encryption;
  if (digest === undefined || cipher === undefined) throw unsupported(place, "another cipher");
  const key = pbkdf2Sync(text, salt, iterations, cipher.keyBytes, digest);
  const decipher = createDecipheriv(cipher.name, key, iv);
  return Buffer.concat([decipher.update(data), decipher.final()]);
}

function openWithPkcs12(
  encryption: Extract<KeyEncryption, { readonly kind: "pkcs12" }>,
  data: Buffer,
  { pkcs12 }: Passphrase,
): Buffer | undefined {
  const { iterations, salt, cipher, keyBytes } = encryption;
  const derive = (purpose: number, bytes: number): Buffer =>
    derivePkcs12Key({ passphrase: pkcs12, salt, iterations, digest: "sha1", purpose, bytes });
  const key = derive(PURPOSE.key, keyBytes);
  const iv = derive(PURPOSE.iv, IV_BYTES);
  if (cipher === "RC2") return tryOpenRc2(key, iv, data);
  const fullKey =
    keyBytes === TWO_KEYS_BYTES ? Buffer.concat([key, key.subarray(0, IV_BYTES)]) : key;
  const decipher = createDecipheriv("des-ede3-cbc", fullKey, iv);
  return Buffer.concat([decipher.update(data), decipher.final()]);
}

/** OpenSSL 3 has RC2 only in its legacy provider, which Node does not load. */
function tryOpenRc2(key: Buffer, iv: Buffer, data: Buffer): Buffer | undefined {
  const cipher = forge.rc2.createDecryptionCipher(key.toString("latin1"), key.length * 8);
  cipher.start(iv.toString("latin1"));
  cipher.update(forge.util.createBuffer(data.toString("latin1")));
  if (!cipher.finish()) return undefined;
  return Buffer.from(cipher.output.getBytes(), "latin1");
}
