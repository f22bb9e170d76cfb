import { createPrivateKey, type KeyObject } from "node:crypto";
import type { KeyType } from "#model/certificate.ts";
import { problemOf, type ProblemCode } from "#model/problem.ts";
import { tryKeyType } from "./certificate-facts.ts";
import { isPrivateKeyBlock, type PemBlock } from "./pem-blocks.ts";
import { SourceProblem } from "./read-source.ts";

const MIN_RSA_BITS = 2048;
/** The curves of ECDSA certificates that both engines and today's browsers take. */
const CURVES: readonly string[] = ["prime256v1", "secp384r1", "secp521r1"];

export interface PrivateKey {
  readonly key: KeyObject;
  readonly keyType: KeyType;
  /** PKCS#8 without encryption. */
  readonly pem: string;
}

/** `place` is where the key's path stands in the document. Throws SourceProblem. */
export function readPrivateKey(
  blocks: readonly PemBlock[] | undefined,
  passphrase: string | undefined,
  place: string,
): PrivateKey {
  const problem = (code: ProblemCode, message: string): SourceProblem =>
    new SourceProblem(problemOf(code, place, message));
  if (blocks === undefined)
    throw problem("key-malformed", "A PEM block in the file is not closed.");
  const [block, ...others] = blocks.filter(isPrivateKeyBlock);
  if (block === undefined) throw problem("key-malformed", "There is no private key in the file.");
  if (others.length > 0)
    throw problem("key-malformed", "There are several private keys in the file.");
  const isEncrypted =
    block.label.startsWith("ENCRYPTED") || block.pem.includes("Proc-Type: 4,ENCRYPTED");
  if (isEncrypted && passphrase === undefined) {
    throw problem("key-encrypted", "The private key is encrypted.");
  }
  const key = tryOpen(block.pem, passphrase);
  if (key === undefined) {
    // OpenSSL's own error is kept out, as it may quote what it was given.
    throw isEncrypted
      ? problem("bad-passphrase", "The private key does not open with the passphrase.")
      : problem("key-malformed", "The private key is damaged, or of a kind that is not known.");
  }
  const keyType = tryKeyType(key);
  const weakness = keyType === undefined ? "is not RSA, ECDSA or Ed25519" : tryWeakness(key);
  if (keyType === undefined || weakness !== undefined) {
    throw problem("key-malformed", `The private key ${weakness}.`);
  }
  return { key, keyType, pem: key.export({ type: "pkcs8", format: "pem" }) };
}

function tryOpen(pem: string, passphrase: string | undefined): KeyObject | undefined {
  try {
    return createPrivateKey({
      key: pem,
      format: "pem",
      ...(passphrase === undefined ? {} : { passphrase }),
    });
  } catch {
    return undefined;
  }
}

function tryWeakness(key: KeyObject): string | undefined {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined && modulusLength < MIN_RSA_BITS) {
    return `is RSA with ${modulusLength} bits, fewer than ${MIN_RSA_BITS}`;
  }
  if (namedCurve !== undefined && !CURVES.includes(namedCurve)) {
    return `is on the curve ${namedCurve}, which clients do not take`;
  }
  return undefined;
}
