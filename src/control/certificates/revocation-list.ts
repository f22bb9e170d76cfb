import { constants, verify, type KeyObject } from "node:crypto";
import { errorCodeOf } from "#model/error-code.ts";
import { derElements, DerError, firstElement, TAG, type DerElement } from "./der-reader.ts";
import { isTime, tryTimeMs } from "./der-time.ts";
import { distinguishedNameOf, type DistinguishedName } from "./distinguished-name.ts";

/** The issuer and the period of validity of a CRL (RFC 5280 section 5.1). */
export interface RevocationList {
  readonly issuer: DistinguishedName;
  /** When the next list is due, or undefined if the CA does not say so. */
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number | undefined;
  isSignedBy(publicKey: KeyObject): boolean;
}

/** Reads the DER of a CRL, except its entries. Throws DerError. */
export function parseRevocationList(der: Buffer): RevocationList {
  const [toSign, algorithm, signature] = derElements(firstElement(der).contents);
  if (toSign === undefined || algorithm === undefined || signature === undefined) {
    throw new DerError();
  }
  const fields = derElements(toSign.contents);
  const [, issuer, thisUpdate, nextUpdate] =
    fields[0]?.tag === TAG.integer ? fields.slice(1) : fields;
  if (issuer === undefined || thisUpdate === undefined) throw new DerError();
  const nextUpdateMs =
    nextUpdate !== undefined && isTime(nextUpdate) ? timeMsOf(nextUpdate) : undefined;
  const scheme = schemeOf(algorithm);
  return {
    issuer: distinguishedNameOf(issuer),
    // OpenSSL accepts no list with another form of date, so the director need not find it.
    thisUpdateMs: tryTimeMs(thisUpdate) ?? 0,
    nextUpdateMs,
    isSignedBy: (publicKey) =>
      // The first byte of a BIT STRING counts its unused bits.
      scheme !== undefined &&
      isSigned(scheme, publicKey, toSign.bytes, signature.contents.subarray(1)),
  };
}

function timeMsOf(element: DerElement): number {
  const timeMs = tryTimeMs(element);
  if (timeMs === undefined) throw new DerError();
  return timeMs;
}

interface Scheme {
  readonly digest: string | undefined;
  readonly isPss: boolean;
}

const RSASSA_PSS = "2a864886f70d01010a";
const PSS_HASH_TAG = 0xa0;

/** Digests by the object identifier of a signature algorithm or hash function, in hex. EdDSA has no separate digest. */
const DIGESTS: ReadonlyMap<string, string | undefined> = new Map([
  ["2a864886f70d010105", "sha1"],
  ["2a864886f70d01010e", "sha224"],
  ["2a864886f70d01010b", "sha256"],
  ["2a864886f70d01010c", "sha384"],
  ["2a864886f70d01010d", "sha512"],
  ["2a8648ce3d0401", "sha1"],
  ["2a8648ce3d040301", "sha224"],
  ["2a8648ce3d040302", "sha256"],
  ["2a8648ce3d040303", "sha384"],
  ["2a8648ce3d040304", "sha512"],
  ["2b6570", undefined],
  ["2b6571", undefined],
  ["608648016503040201", "sha256"],
  ["608648016503040202", "sha384"],
  ["608648016503040203", "sha512"],
]);

/** Returns undefined if the algorithm is not known. */
function schemeOf(algorithm: DerElement): Scheme | undefined {
  const [id, parameters] = derElements(algorithm.contents);
  const name = id?.contents.toString("hex") ?? "";
  if (name !== RSASSA_PSS) {
    return DIGESTS.has(name) ? { digest: DIGESTS.get(name), isPss: false } : undefined;
  }
  // The default hash function is SHA-1 (RFC 4055 section 3.1).
  const hash = derElements(parameters?.contents ?? Buffer.alloc(0)).find(
    ({ tag }) => tag === PSS_HASH_TAG,
  );
  if (hash === undefined) return { digest: "sha1", isPss: true };
  const [hashId] = derElements(firstElement(hash.contents).contents);
  const digest = DIGESTS.get(hashId?.contents.toString("hex") ?? "");
  return digest === undefined ? undefined : { digest, isPss: true };
}

function isSigned(
  { digest, isPss }: Scheme,
  key: KeyObject,
  bytes: Buffer,
  signature: Buffer,
): boolean {
  const padding = isPss
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }
    : {};
  try {
    return verify(digest ?? null, bytes, { key, ...padding }, signature);
  } catch (error) {
    // The key has another type than the algorithm.
    if (errorCodeOf(error) !== undefined) return false;
    throw error;
  }
}
