import { hash, type KeyObject } from "node:crypto";
import { createSecureContext } from "node:tls";
import { errorCodeOf } from "#model/error-code.ts";
import type { CertificateFacts } from "#model/document/certificate.ts";
import type { Problem } from "#model/failure.ts";
import type { MaterialId } from "#model/names.ts";
import { problemOf } from "#model/problem.ts";
import type { Material } from "#model/records/snapshot.ts";
import { certificateFactsOf } from "./certificate-facts.ts";
import { chainFactsOf, type Chain } from "./chain-facts.ts";
import { PSS_OID, signingFactsOf } from "./signing-facts.ts";
import { certificateFieldsOf, KEY_USAGE, type CertificateFields } from "./certificate-fields.ts";
import { isCertificateBlock, isCurveBlock, isPrivateKeyBlock, parsePem } from "./pem-blocks.ts";
import { isRefusal, parseCertificates } from "./parse-certificates.ts";
import { readPrivateKey, type PrivateKey } from "./read-private-key.ts";
import { sourceProblem } from "./source-problem.ts";
import type { CertificateVersion } from "./sources.ts";
import { unusedBlockWarnings } from "./unused-blocks.ts";

/** Contents of files, read as Latin-1. */
export interface CertificateTexts {
  readonly chain: string;
  /** Undefined if the key is in the file of the chain. */
  readonly key: string | undefined;
  readonly passphrase: string | undefined;
}

/** The paths of the settings in the document. */
export interface CertificatePlaces {
  readonly chain: string;
  readonly key: string;
}

export interface ParsedCertificate {
  readonly version: Omit<CertificateVersion, "material"> & {
    readonly material: Extract<Material, { readonly kind: "certificate" }>;
  };
  readonly warnings: readonly Problem[];
}

/** By default, clients with OpenSSL or BoringSSL refuse a longer Certificate message. */
const MAX_COMMON_CHAIN_BYTES = 100 * 1024;
/** Foreign files may be of any number of kinds. */
const MAX_KINDS = 1_000;

/**
 * Checks that the key belongs to the chain and that the TLS library accepts both. The validity period is not compared with the
 * current time. The id is a hash of the contents, so rewritten files with the same contents are the same version. May take
 * unlimited time for hostile files. Throws SourceProblem.
 */
export function parseCertificate(
  texts: CertificateTexts,
  places: CertificatePlaces,
): ParsedCertificate {
  const chainFile = parsePem(texts.chain);
  const keyFile = texts.key === undefined ? chainFile : parsePem(texts.key);
  const isKeyPart = (block: {
    readonly label: string;
    readonly line: number;
    readonly pem: string;
  }) => isPrivateKeyBlock(block) || isCurveBlock(block);
  const warnings =
    texts.key === undefined
      ? unusedBlockWarnings(
          chainFile,
          (block) => isCertificateBlock(block) || isKeyPart(block),
          places.chain,
        )
      : [
          ...unusedBlockWarnings(chainFile, isCertificateBlock, places.chain),
          ...unusedBlockWarnings(keyFile, isKeyPart, places.key),
        ];
  const chain = parseCertificates(chainFile, places.chain, "certificate-malformed");
  const privateKey = readPrivateKey(keyFile, passphraseOf(texts.passphrase), places.key);
  checkPair(chain, privateKey, places.key);
  const [leaf] = chain;
  const fields = certificateFieldsOf(leaf);
  checkFlaw(fields, places.chain);
  if (privateKey.keyType === "ecdsa" && !fields.hasNamedCurve) {
    const message =
      "The certificate contains the parameters of its curve instead of the name of the curve. RFC 5480 section 2.1.1 forbids this.";
    throw sourceProblem("certificate-unusable", places.chain, message);
  }
  const period = periodOf(fields, places.chain);
  const chainPem = pemOf(chain);
  proveUsable(chain, privateKey, places.chain);
  const version = {
    id: hash("sha256", chainPem + privateKey.pem) as MaterialId,
    material: { kind: "certificate", chainPem, keyPem: privateKey.pem },
    facts: { ...certificateFactsOf(leaf, privateKey.keyType), ...period },
    signing: signingFactsOf(privateKey.key, privateKey.keyType, chain),
    bunRefusal: bunRefusalOf(fields, privateKey),
    isForServers: fields.isForServers,
    chain: chainFactsOf(chain),
  } as const;
  return {
    version,
    warnings: [
      ...warnings,
      ...usageWarnings(fields, places.chain),
      ...sizeWarnings(chain, places.chain),
    ],
  };
}

/** The passphrase is the first line of the file, as in nginx and HAProxy. Spaces at its ends are part of it. */
const passphraseOf = (text: string | undefined): string | undefined =>
  text === undefined
    ? undefined
    : Buffer.from(text.split(/\r?\n/, 1)[0] ?? "", "latin1").toString("utf8");

const ISSUE_AGAIN = "Have the CA issue it again.";

/** Throws SourceProblem if the certificate violates RFC 5280 so that some TLS libraries refuse it. */
export function checkFlaw({ flaw }: CertificateFields, place: string): void {
  if (flaw === undefined) return;
  throw sourceProblem("certificate-malformed", place, `The certificate ${flaw}.`, ISSUE_AGAIN);
}

function checkPair(chain: Chain, { key }: PrivateKey, place: string): void {
  if (chain[0].checkPrivateKey(key)) return;
  const index = chain.findIndex((entry) => entry.checkPrivateKey(key));
  if (index === -1) {
    const hint = "Use the key for which the certificate was issued.";
    const message = "The private key does not belong to the certificate.";
    throw sourceProblem("key-mismatch", place, message, hint);
  }
  const message = `The private key belongs to certificate ${index + 1} of the chain, not to the first.`;
  throw sourceProblem("key-mismatch", place, message);
}

function periodOf(
  { notBeforeMs, notAfterMs }: CertificateFields,
  place: string,
): Pick<CertificateFacts, "notBeforeMs" | "notAfterMs"> {
  const isDated = notBeforeMs !== undefined && notAfterMs !== undefined;
  if (isDated && notBeforeMs <= notAfterMs) return { notBeforeMs, notAfterMs };
  const message = isDated
    ? "The validity period of the certificate ends before it begins."
    : "The validity period of the certificate contains a date that does not exist.";
  throw sourceProblem("certificate-malformed", place, message, ISSUE_AGAIN);
}

const pemOf = (chain: Chain): string => chain.map((entry) => entry.toString()).join("");

/**
 * The kinds of pairs that the TLS library has accepted. It refuses a parsed certificate only for its signature algorithm and its key, and
 * a key that belongs to the certificate only for its kind. To ask for a pair takes as long as to parse it.
 */
const provenKinds = new Set<string>();

/** Finds problems that only the TLS library reports, before a worker meets them. */
function proveUsable(chain: Chain, privateKey: PrivateKey, place: string): void {
  const kind = tryKind(chain, privateKey);
  if (kind !== undefined && provenKinds.has(kind)) return;
  try {
    createSecureContext({ cert: pemOf(chain), key: privateKey.pem });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const code = errorCodeOf(error);
    const message = `The TLS library refuses the certificate${code === undefined ? "" : ` (${code})`}.`;
    throw sourceProblem("certificate-unusable", place, message);
  }
  if (provenKinds.size === MAX_KINDS) provenKinds.clear();
  if (kind !== undefined) provenKinds.add(kind);
}

/** Returns undefined for a pair that is not like any other: the library does not know a key, or a signature has parameters. */
function tryKind(chain: Chain, { key }: PrivateKey): string | undefined {
  if (chain.some(({ signatureAlgorithmOid }) => signatureAlgorithmOid === PSS_OID))
    return undefined;
  try {
    const signed = chain.map((one) => `${one.signatureAlgorithmOid} ${kindOf(one.publicKey)}`);
    return [kindOf(key), ...signed].join();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return undefined;
  }
}

function kindOf({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): string {
  const { namedCurve, modulusLength, publicExponent, hashAlgorithm } = asymmetricKeyDetails;
  return [asymmetricKeyType, namedCurve, modulusLength, publicExponent, hashAlgorithm].join(" ");
}

const RSASSA_PSS = "2a864886f70d01010a";
/** The smallest public exponent that BoringSSL does not accept. */
const LONG_EXPONENT = 2n ** 33n;

/** Returns why BoringSSL does not accept the pair, for reasons that its own error messages do not name. */
function bunRefusalOf(fields: CertificateFields, { key, keyType }: PrivateKey): string | undefined {
  const { publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (fields.keyAlgorithm === RSASSA_PSS) return "an RSA-PSS key";
  if (publicExponent >= LONG_EXPONENT) return "an RSA key with a public exponent over 33 bits";
  return keyType === "ecdsa" && !allowsSignatures(fields)
    ? "a key usage without digitalSignature"
    : undefined;
}

const allowsSignatures = ({ keyUsage }: CertificateFields): boolean =>
  keyUsage === undefined || keyUsage.has(KEY_USAGE.digitalSignature);

function usageWarnings(fields: CertificateFields, place: string): readonly Problem[] {
  if (allowsSignatures(fields)) return [];
  const message =
    "The key usage of the certificate lacks digitalSignature, so most clients refuse it (RFC 8446 section 4.4.2.2).";
  return [problemOf("key-usage", place, message)];
}

function sizeWarnings(chain: Chain, place: string): readonly Problem[] {
  const bytes = chain.reduce((sum, { raw }) => sum + raw.length, 0);
  if (bytes <= MAX_COMMON_CHAIN_BYTES) return [];
  const size = `${Math.ceil(bytes / 1024)} KiB`;
  const message = `The chain has ${size}; clients with OpenSSL or BoringSSL refuse more than 100 KiB.`;
  return [problemOf("chain-large", place, message)];
}
