import { createPrivateKey, type KeyObject } from "node:crypto";
import { errorCodeOf } from "#model/error-code.ts";
import type { KeyType } from "#model/document/certificate.ts";
import type { Problem } from "#model/failure.ts";
import type { ProblemCode } from "#model/problem.ts";
import { tryKeyType } from "./certificate-facts.ts";
import { derElements, DerError, firstElement, TAG } from "./der-reader.ts";
import { encryptionOfPrivateKey } from "./key-encryption.ts";
import { KeyWork } from "./key-work.ts";
import { bytesOf, checkClosed, isRefusal } from "./parse-certificates.ts";
import { isPrivateKeyBlock, pemBlockOf, type PemBlock, type PemText } from "./pem-blocks.ts";
import { SourceProblem, sourceProblem } from "./source-problem.ts";
import { firstUnusedOf, tryConversionHint } from "./unused-blocks.ts";

const MIN_RSA_BITS = 2_048;
/** OpenSSL does not verify signatures of longer keys. */
const MAX_RSA_BITS = 16_384;
/** The curves of ECDSA certificates that both engines and current browsers support. */
const CURVES: readonly string[] = ["prime256v1", "secp384r1", "secp521r1"];

export interface PrivateKey {
  readonly key: KeyObject;
  readonly keyType: KeyType;
  /** PKCS#8 without encryption. */
  readonly pem: string;
}

/** `place` is the path of the setting in the document. Throws SourceProblem. */
export function readPrivateKey(
  file: PemText,
  passphrase: string | undefined,
  place: string,
): PrivateKey {
  const problem = (code: ProblemCode, message: string, hint?: string): SourceProblem =>
    sourceProblem(code, place, message, hint);
  checkClosed(file, place, "key-malformed");
  const [block, ...others] = file.blocks.filter(isPrivateKeyBlock);
  if (block === undefined) {
    const message = `There is no private key in the file.${firstUnusedOf(file, isPrivateKeyBlock)}`;
    throw problem("key-malformed", message, tryConversionHint(file, "pkey"));
  }
  if (others.length > 0)
    throw problem("key-malformed", "There are several private keys in the file.");
  return openPrivateKey(block, passphrase, place, new KeyWork());
}

/** Opens the key of one PEM block. `work` limits what its decryption may cost. Throws SourceProblem. */
export function openPrivateKey(
  block: PemBlock,
  passphrase: string | undefined,
  place: string,
  work: KeyWork,
): PrivateKey {
  const problem = (code: ProblemCode, message: string, hint?: string): SourceProblem =>
    sourceProblem(code, place, message, hint);
  const isEncrypted = block.label.startsWith("ENCRYPTED") || block.pem.includes("4,ENCRYPTED");
  if (isEncrypted && passphrase === undefined) {
    throw problem("key-encrypted", "The private key is encrypted.");
  }
  const refusal = isEncrypted ? encryptionRefusalOf(block, place, work) : undefined;
  if (refusal !== undefined) throw new SourceProblem(refusal);
  const key = tryOpen(block.pem, passphrase);
  if (key === "unsupported") {
    const message = "It is encrypted with an algorithm that is not supported.";
    throw problem("encryption-unsupported", message);
  }
  if (key === undefined) {
    // The error of OpenSSL is not passed on, because it may quote its input.
    throw isEncrypted
      ? problem("bad-passphrase", "The passphrase does not decrypt the private key.")
      : problem("key-malformed", "The private key is damaged or has an unknown type.");
  }
  const keyType = tryKeyType(key);
  const weakness =
    keyType === undefined
      ? `has type ${key.asymmetricKeyType ?? "unknown"}; only RSA, ECDSA and Ed25519 are supported`
      : tryWeakness(key);
  if (keyType === undefined || weakness !== undefined) {
    throw problem("key-malformed", `The private key ${weakness}.`);
  }
  const plain = keyType === "ecdsa" ? withNamedCurve(key) : { key, der: derOf(key) };
  return { key: plain.key, keyType, pem: pemOf(plain.der) };
}

/** Ciphers of the `DEK-Info` header (RFC 1421) that OpenSSL 3 does not support without its legacy provider. */
const WEAK_HEADER = /^DEK-Info: *(DES-(?:CBC|CFB|OFB|ECB)|RC2|BF|CAST5?|IDEA|SEED)\b/im;

/** Returns undefined for an encryption that is damaged, which OpenSSL then refuses. */
function encryptionRefusalOf(block: PemBlock, place: string, work: KeyWork): Problem | undefined {
  if (!block.label.startsWith("ENCRYPTED")) {
    // The key of the header is derived with one round of MD5.
    const weak = WEAK_HEADER.exec(block.pem)?.[1];
    return weak === undefined
      ? undefined
      : work.tryRefuse({ kind: "unsupported", name: weak.toUpperCase() }, place);
  }
  try {
    return work.tryRefuse(encryptionOfPrivateKey(bytesOf(block.pem)), place);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return undefined;
  }
}

const derOf = (key: KeyObject): Buffer => key.export({ type: "pkcs8", format: "der" });

/** OpenSSL takes as long to write PEM as it took to read the key. */
const pemOf = (der: Buffer): string => pemBlockOf("PRIVATE KEY", der).pem;

/** Returns undefined if the key is damaged or the passphrase is wrong. */
function tryOpen(
  pem: string,
  passphrase: string | undefined,
): KeyObject | "unsupported" | undefined {
  try {
    return createPrivateKey({
      key: pem,
      format: "pem",
      ...(passphrase === undefined ? {} : { passphrase }),
    });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return errorCodeOf(error) === "ERR_OSSL_EVP_UNSUPPORTED" ? "unsupported" : undefined;
  }
}

function tryWeakness(key: KeyObject): string | undefined {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined && modulusLength < MIN_RSA_BITS) {
    return `is RSA with ${modulusLength} bits, fewer than ${MIN_RSA_BITS}`;
  }
  if (modulusLength !== undefined && modulusLength > MAX_RSA_BITS) {
    return `is RSA with ${modulusLength} bits, more than ${MAX_RSA_BITS}`;
  }
  if (key.asymmetricKeyType !== "ec") return undefined;
  if (namedCurve === undefined) return "uses a curve without a name";
  return CURVES.includes(namedCurve)
    ? undefined
    : `uses the curve ${namedCurve}, which clients do not support`;
}

/** BoringSSL refuses a key with the parameters of its curve. Returns the same key with the name of the curve instead. */
function withNamedCurve(key: KeyObject): { readonly key: KeyObject; readonly der: Buffer } {
  const der = derOf(key);
  const [, algorithm] = derElements(firstElement(der).contents);
  const parameters = algorithm === undefined ? undefined : derElements(algorithm.contents)[1];
  if (parameters?.tag === TAG.objectId) return { key, der };
  const named = createPrivateKey({ key: key.export({ format: "jwk" }), format: "jwk" });
  return { key: named, der: derOf(named) };
}
