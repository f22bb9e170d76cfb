import { sign, verify, type KeyObject, type X509Certificate } from "node:crypto";
import { isRefusal } from "./parse-certificates.ts";
import type { PrivateKey } from "./read-private-key.ts";
import { sourceProblem } from "./source-problem.ts";

const TEXT = Buffer.from("TLS Director proves that a private key belongs to a certificate.");

/**
 * Throws SourceProblem unless the certificate verifies what the key signs. A key file also states the public key, and only this is
 * compared by `checkPrivateKey`. OpenSSL also signs if the private part belongs to another key, and every client refuses the signature.
 */
export function proveKey(
  certificate: X509Certificate,
  { key, keyType }: PrivateKey,
  place: string,
): void {
  if (isSignedWith(certificate, key, keyType === "ed25519" ? null : "sha256")) return;
  const message =
    "The private key is damaged: what it signs cannot be verified with the certificate.";
  throw sourceProblem("key-malformed", place, message, "Copy or export the key again.");
}

function isSignedWith(
  { publicKey }: X509Certificate,
  key: KeyObject,
  digest: string | null,
): boolean {
  try {
    return verify(digest, TEXT, publicKey, sign(digest, TEXT, key));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return false;
  }
}
