import { KeyObject, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import {
  PemConverter,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
} from "./x509.ts";
import { problemOf, quoted } from "#model/problem.ts";
import type { Problem } from "#model/failure.ts";
import type { RequestKeyType } from "#model/tls/request-keys.ts";

/** A key and the request for a certificate (RFC 2986) that a CA signs. */
export interface CertificateRequest {
  readonly requestPem: string;
  /** PKCS #8 without encryption. */
  readonly keyPem: string;
}

interface KeyAlgorithm {
  readonly generation:
    | webcrypto.RsaHashedKeyGenParams
    | webcrypto.EcKeyGenParams
    | { readonly name: string };
  readonly hash?: string;
}

const ecdsa = (namedCurve: string, hash: string): KeyAlgorithm => ({
  generation: { name: "ECDSA", namedCurve },
  hash,
});
const rsa = (modulusLength: number): KeyAlgorithm => ({
  generation: {
    name: "RSASSA-PKCS1-v1_5",
    modulusLength,
    publicExponent: Uint8Array.of(1, 0, 1),
    hash: "SHA-256",
  },
  hash: "SHA-256",
});

const ALGORITHMS: Readonly<Record<RequestKeyType, KeyAlgorithm>> = {
  ecdsa: ecdsa("P-256", "SHA-256"),
  "ecdsa-p384": ecdsa("P-384", "SHA-384"),
  "ecdsa-p521": ecdsa("P-521", "SHA-512"),
  rsa: rsa(2_048),
  "rsa-3072": rsa(3_072),
  "rsa-4096": rsa(4_096),
  ed25519: { generation: { name: "Ed25519" } },
};

const MAX_NAMES = 2_000;
/** RFC 5280 appendix A.1, ub-common-name. */
const MAX_COMMON_NAME_LENGTH = 64;
const MAX_NAME_LENGTH = 253;
const DNS_NAME =
  /^(?:\*\.)?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** Returns what is wrong with the names of a request. `place` is the path of the list in the request. */
export function requestNameProblems(names: readonly string[], place: string): readonly Problem[] {
  if (names.length === 0) {
    return [problemOf("missing-key", place, "A request needs at least one name.")];
  }
  if (names.length > MAX_NAMES) {
    const message = `There are ${names.length} names, more than ${MAX_NAMES}.`;
    return [problemOf("too-many-names", place, message)];
  }
  return names
    .filter((name) => isIP(name) === 0 && (name.length > MAX_NAME_LENGTH || !DNS_NAME.test(name)))
    .slice(0, MAX_PROBLEMS)
    .map((name) => {
      const message = `${quoted(name)} is not a name that a certificate can have.`;
      return problemOf("bad-server-name", place, message, NAME_HINT);
    });
}

const MAX_PROBLEMS = 10;
const NAME_HINT =
  "Write DNS names such as api.example.org or *.example.org, or IP addresses. Write an international name in its form that begins with xn--.";

/**
 * Makes a key and a request for it. The names, which must be without problems, are DNS names or IP addresses; the first one is the common
 * name too, unless it is too long. The key is made in a thread, so that the event loop goes on.
 */
export async function makeRequest(
  names: readonly string[],
  keyType: RequestKeyType,
): Promise<CertificateRequest> {
  const { generation, hash } = ALGORITHMS[keyType];
  // The types leave open that one of these algorithms might have a single key.
  const keys = (await webcrypto.subtle.generateKey(generation, true, [
    "sign",
    "verify",
  ])) as webcrypto.CryptoKeyPair;
  const unique = [...new Set(names.map((name) => name.toLowerCase()))];
  const [first = ""] = unique;
  const alternatives = unique.map((value) => ({
    type: isIP(value) === 0 ? ("dns" as const) : ("ip" as const),
    value,
  }));
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: first.length > MAX_COMMON_NAME_LENGTH ? [] : [{ CN: [first] }],
    keys,
    signingAlgorithm: { name: generation.name, ...(hash === undefined ? {} : { hash }) },
    extensions: [new SubjectAlternativeNameExtension(alternatives)],
  });
  return {
    requestPem: `${PemConverter.encode(request.rawData, "CERTIFICATE REQUEST")}\n`,
    keyPem: KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" }),
  };
}
