import { tryCipherSuite } from "#model/tls/cipher-suites.ts";
import type { TlsHandshakeFailure } from "#model/records/outcome.ts";
import type { ResolvedPolicy } from "#model/document/policy.ts";
import { groupCodeOf, pssTwinOf, SCHEMES } from "#model/tls/signature-schemes.ts";
import type { SnapshotCertificate } from "#model/records/snapshot.ts";
import type { ClientHello } from "./client-hello.ts";

/** How well a client can verify a certificate, worst first. */
export const FIT = {
  none: 0,
  /** The client supports only a signature with SHA-1 or SHA-224, which one of the engines refuses. */
  weak: 1,
  /** The client can verify the signature of the handshake, but not every signature in the chain. */
  key: 2,
  whole: 3,
} as const;
export type Fit = (typeof FIT)[keyof typeof FIT];

const TLS13 = 0x0304;

const ECDSA_SCHEMES = [
  SCHEMES.ecdsa_secp256r1_sha256,
  SCHEMES.ecdsa_secp384r1_sha384,
  SCHEMES.ecdsa_secp521r1_sha512,
];
const WEAK_ECDSA_SCHEMES = [SCHEMES.ecdsa_sha224, SCHEMES.ecdsa_sha1];
const PKCS1_SCHEMES = [
  SCHEMES.rsa_pkcs1_sha256,
  SCHEMES.rsa_pkcs1_sha384,
  SCHEMES.rsa_pkcs1_sha512,
];
const WEAK_PKCS1_SCHEMES = [SCHEMES.rsa_pkcs1_sha224, SCHEMES.rsa_pkcs1_sha1];
const NONE: readonly number[] = [];

const isPssKey = (keySchemes: readonly number[]): boolean =>
  keySchemes.some((scheme) => scheme >= SCHEMES.rsa_pss_pss_sha256);

/** Returns the schemes of a key in TLS 1.2, where ECDSA schemes are not bound to a curve (RFC 8446 section 4.2.3). */
function schemesOfTls12({
  keyType,
  keySchemes,
}: SnapshotCertificate): readonly [strong: readonly number[], weak: readonly number[]] {
  if (keyType === "ecdsa") return [ECDSA_SCHEMES, WEAK_ECDSA_SCHEMES];
  if (keyType === "ed25519" || isPssKey(keySchemes)) return [keySchemes, NONE];
  return [[...PKCS1_SCHEMES, ...keySchemes], WEAK_PKCS1_SCHEMES];
}

const haveCommon = (codes: readonly number[], others: readonly number[]): boolean => {
  for (const code of codes) if (others.includes(code)) return true;
  return false;
};

/** Whether a handshake with this client would use TLS 1.3. */
const isTls13 = (hello: ClientHello, policy: ResolvedPolicy): boolean =>
  policy.maxVersion === "TLSv1.3" && hello.versions.includes(TLS13);

/** The TLS 1.2 suites of a policy, by the type of the keys that work with them. */
export interface SuitesByKey {
  readonly rsa: readonly number[];
  readonly ecdsa: readonly number[];
}

export function suitesOf({ cipherSuites }: ResolvedPolicy): SuitesByKey {
  const suites = cipherSuites.flatMap((name) => tryCipherSuite(name) ?? []);
  const codesOf = (keyType: "rsa" | "ecdsa"): readonly number[] =>
    suites.flatMap((suite) => (suite.keyType === keyType ? [suite.code] : []));
  return { rsa: codesOf("rsa"), ecdsa: codesOf("ecdsa") };
}

/** Where a certificate is used. */
export interface CertificatePlace {
  /** Its position in the list of the listener. */
  readonly position: number;
  /** Those of the policy of the listener. */
  readonly suites: SuitesByKey;
}

/** A version of a certificate of a listener, with the facts that decide whether a client can verify it. */
export class CertificateFit {
  readonly certificate: SnapshotCertificate;
  readonly position: number;
  readonly #policy: ResolvedPolicy;
  readonly #schemesOfTls12: readonly number[];
  readonly #weakSchemes: readonly number[];
  /** The TLS 1.2 suites that work with the key. */
  readonly #suites: readonly number[];
  readonly #groupCode: number | undefined;

  constructor(
    certificate: SnapshotCertificate,
    policy: ResolvedPolicy,
    { position, suites }: CertificatePlace,
  ) {
    this.certificate = certificate;
    this.position = position;
    this.#policy = policy;
    [this.#schemesOfTls12, this.#weakSchemes] = schemesOfTls12(certificate);
    // Ed25519 uses the suites of ECDSA (RFC 8422 section 5.10).
    this.#suites = certificate.keyType === "rsa" ? suites.rsa : suites.ecdsa;
    this.#groupCode = groupCodeOf(certificate.keySchemes);
  }

  fitOf(hello: ClientHello): Fit {
    const fit = isTls13(hello, this.#policy) ? this.#fitOfTls13(hello) : this.#fitOfTls12(hello);
    return fit === FIT.key && this.#isChainVerifiable(hello) ? FIT.whole : fit;
  }

  /** Returns why a handshake with this certificate cannot succeed, or undefined if it can. */
  mismatchOf(hello: ClientHello): TlsHandshakeFailure | undefined {
    if (this.fitOf(hello) !== FIT.none) return undefined;
    // The ECDSA suites of a client cannot be used if the client does not support the curve of the key (RFC 8422 section
    // 5.1).
    const lacksSuite =
      !isTls13(hello, this.#policy) &&
      (!haveCommon(this.#suites, hello.cipherSuites) || !this.#isOnGroupOf(hello));
    return lacksSuite ? "no-shared-cipher" : "no-shared-signature";
  }

  /** TLS 1.3 allows neither PKCS #1 nor SHA-1, and has one scheme for each curve (RFC 8446 section 4.2.3). */
  #fitOfTls13({ signatureSchemes }: ClientHello): Fit {
    return haveCommon(this.certificate.keySchemes, signatureSchemes) ? FIT.key : FIT.none;
  }

  #fitOfTls12(hello: ClientHello): Fit {
    const { signatureSchemes, cipherSuites } = hello;
    if (!haveCommon(this.#suites, cipherSuites) || !this.#isOnGroupOf(hello)) return FIT.none;
    if (haveCommon(this.#schemesOfTls12, signatureSchemes)) return FIT.key;
    // A client that sends no list of schemes supports SHA-1 (RFC 5246 section 7.4.1.4.1).
    const isWeak =
      signatureSchemes.length === 0
        ? this.#weakSchemes.length > 0
        : haveCommon(this.#weakSchemes, signatureSchemes);
    return isWeak ? FIT.weak : FIT.none;
  }

  /** The groups that a client lists are also the curves of the keys that it supports (RFC 8422 section 5.1). */
  #isOnGroupOf({ groups }: ClientHello): boolean {
    return this.#groupCode === undefined || groups.length === 0 || groups.includes(this.#groupCode);
  }

  #isChainVerifiable({ certificateSchemes }: ClientHello): boolean {
    for (const scheme of this.certificate.chainSchemes) {
      if (certificateSchemes.includes(scheme)) continue;
      const twin = pssTwinOf(scheme);
      if (twin === undefined || !certificateSchemes.includes(twin)) return false;
    }
    return true;
  }
}
