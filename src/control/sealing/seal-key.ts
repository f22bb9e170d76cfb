import { randomBytes, randomUUID } from "node:crypto";
import Type from "typebox";
import { Check } from "typebox/value";
import {
  additionalDataOf,
  encryptBytes,
  tryDecryptBytes,
  type Encrypted,
} from "./encrypt-bytes.ts";
import type { MasterKey } from "./master-key.ts";

const FORMAT = 1;
const DATA_KEY_BYTES = 32;
/** A private key of RSA with 16,384 bits has 13 KB as PEM. */
const MAX_KEY_BYTES = 64 * 1024;

/** Which private key it is. A sealed key opens only as what it was sealed. */
export interface KeyIdentity {
  readonly kind: "tls" | "ca" | "acme";
  /** The name of the certificate. */
  readonly name: string;
  /** The id of the version, which is never used again for the same name. */
  readonly version: string;
  /** SHA-256 of the public key (SubjectPublicKeyInfo in DER). */
  readonly spkiSha256: string;
}

const MAX_TEXT = 100_000;
const base64url = Type.String({ maxLength: MAX_TEXT });

export const EncryptedSchema = Type.Object(
  { nonce: base64url, bytes: base64url, tag: base64url },
  { additionalProperties: false },
);

export const SealedKeySchema = Type.Object(
  {
    /** The version of the way in which it was sealed. */
    format: Type.Literal(FORMAT),
    /** The id of its data key, which the store keeps apart. */
    dataKey: Type.String({ minLength: 1, maxLength: 64 }),
    ...EncryptedSchema.properties,
  },
  { additionalProperties: false },
);

/** A private key that is encrypted with a data key of its own. It is JSON and may be stored anywhere. */
export type SealedKey = Type.Static<typeof SealedKeySchema>;

export const isSealedKey = (value: unknown): value is SealedKey => Check(SealedKeySchema, value);

/** A data key that is encrypted with the master key. */
export type WrappedKey = Encrypted;

/** What was sealed, and its data key, which must be stored in the same transaction. */
export interface Sealing {
  readonly sealed: SealedKey;
  readonly wrapped: WrappedKey;
}

/** Seals a private key in PEM. `storeId` is the id of the store that the data keys are of. Throws RangeError if it is empty or too long. */
export function sealKey(
  masterKey: MasterKey,
  storeId: string,
  identity: KeyIdentity,
  keyPem: string,
): Sealing {
  const clear = Buffer.from(keyPem, "utf8");
  const dataKey = randomBytes(DATA_KEY_BYTES);
  try {
    if (clear.length === 0 || clear.length > MAX_KEY_BYTES) {
      throw new RangeError(`A private key of ${clear.length} bytes.`);
    }
    const id = randomUUID();
    const encrypted = encryptBytes(dataKey, clear, keyDataOf(storeId, identity));
    const wrapped = wrapDataKey(masterKey, storeId, id, dataKey);
    return { sealed: { format: FORMAT, dataKey: id, ...encrypted }, wrapped };
  } finally {
    clear.fill(0);
    dataKey.fill(0);
  }
}

/**
 * Returns the private key in PEM, or undefined if the sealed key, its data key or what is said about it was altered. The string
 * cannot be wiped from memory.
 */
export function tryOpenKey(
  masterKey: MasterKey,
  storeId: string,
  identity: KeyIdentity,
  { sealed, wrapped }: Sealing,
): string | undefined {
  const dataKey = tryUnwrap(masterKey, storeId, sealed.dataKey, wrapped);
  if (dataKey === undefined) return undefined;
  const clear = tryDecryptBytes(dataKey, sealed, keyDataOf(storeId, identity));
  dataKey.fill(0);
  const keyPem = clear?.toString("utf8");
  clear?.fill(0);
  return keyPem;
}

/** Encrypts a data key with the master key. It opens only under its id and in its store. */
export const wrapDataKey = (
  masterKey: MasterKey,
  storeId: string,
  dataKeyId: string,
  dataKey: Buffer,
): WrappedKey => encryptBytes(masterKey.wrappingKey, dataKey, dataKeyDataOf(storeId, dataKeyId));

/** Wraps a data key with another master key. Returns undefined if it cannot be opened with the first one. */
export function tryRewrap(
  from: MasterKey,
  to: MasterKey,
  storeId: string,
  dataKeyId: string,
  wrapped: WrappedKey,
): WrappedKey | undefined {
  const dataKey = tryUnwrap(from, storeId, dataKeyId, wrapped);
  if (dataKey === undefined) return undefined;
  const rewrapped = wrapDataKey(to, storeId, dataKeyId, dataKey);
  dataKey.fill(0);
  return rewrapped;
}

export const textOfWrapped = ({ nonce, bytes, tag }: WrappedKey): string =>
  JSON.stringify({ nonce, bytes, tag });

/** Returns undefined if the text is not that of a wrapped data key. */
export function tryParseWrapped(text: string): WrappedKey | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Check(EncryptedSchema, value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Returns a data key, which the caller sets to zero. Returns undefined if it cannot be opened. */
export function tryUnwrap(
  masterKey: MasterKey,
  storeId: string,
  dataKeyId: string,
  wrapped: WrappedKey,
): Buffer | undefined {
  const data = dataKeyDataOf(storeId, dataKeyId);
  const dataKey = tryDecryptBytes(masterKey.wrappingKey, wrapped, data);
  return dataKey?.length === DATA_KEY_BYTES ? dataKey : undefined;
}

const keyDataOf = (storeId: string, { kind, name, version, spkiSha256 }: KeyIdentity): Buffer =>
  additionalDataOf(["tlsd key", `${FORMAT}`, storeId, kind, name, version, spkiSha256]);

const dataKeyDataOf = (storeId: string, id: string): Buffer =>
  additionalDataOf(["tlsd data key", `${FORMAT}`, storeId, id]);
