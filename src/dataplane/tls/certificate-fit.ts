import { tryCipherSuite } from "#model/tls/cipher-suites.ts";
import type { TlsHandshakeFailure } from "#model/records/outcome.ts";
import type { ResolvedPolicy } from "#model/document/policy.ts";
import { groupCodeOf, pssTwinOf, SCHEMES } from "#model/tls/signature-schemes.ts";
import type { SnapshotCertificate } from "#model/records/snapshot.ts";
import type { ClientHello } from "./client-hello.ts";

/** How well a certificate goes with what a client can verify, worst first. */
export const FIT = {
  none: 0,
  /** Only by a signature with SHA-1 or SHA-224, which one of the engines refuses. */
  weak: 1,
  /** The handshake's signature, but not those of the certificate's chain. */
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

/** The schemes of a key in TLS 1.2, where those of ECDSA are not bound to a curve (RFC 8446 section 4.2.3). */
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

/** Whether the handshake will be of TLS 1.3, if there is one. */
const isTls13 = (hello: ClientHello, policy: ResolvedPolicy): boolean =>
  policy.maxVersion === "TLSv1.3" && hello.versions.includes(TLS13);

/** A certificate of a listener, with what decides whether a client can verify it. Built once a snapshot. */
export class CertificateFit {
  readonly certificate: SnapshotCertificate;
  readonly #policy: ResolvedPolicy;
  readonly #schemesOfTls12: readonly number[];
  readonly #weakSchemes: readonly number[];
  /** Suites of TLS 1.2 that go with the key. */
  readonly #suites: readonly number[];
  readonly #groupCode: number | undefined;

  constructor(certificate: SnapshotCertificate, policy: ResolvedPolicy) {
    this.certificate = certificate;
    this.#policy = policy;
    [this.#schemesOfTls12, this.#weakSchemes] = schemesOfTls12(certificate);
    // RFC 8422 section 5.10: Ed25519 goes with the suites of ECDSA.
    const wanted = certificate.keyType === "rsa" ? "rsa" : "ecdsa";
    this.#suites = policy.cipherSuites.flatMap((name) => {
      const suite = tryCipherSuite(name);
      return suite?.keyType === wanted ? [suite.code] : [];
    });
    this.#groupCode = groupCodeOf(certificate.keySchemes);
  }

  fitOf(hello: ClientHello): Fit {
    const fit = isTls13(hello, this.#policy) ? this.#fitOfTls13(hello) : this.#fitOfTls12(hello);
    return fit === FIT.key && this.#isChainVerifiable(hello) ? FIT.whole : fit;
  }

  /** Why a handshake with this certificate cannot succeed; undefined where it can. */
  mismatchOf(hello: ClientHello): TlsHandshakeFailure | undefined {
    if (this.fitOf(hello) !== FIT.none) return undefined;
    // RFC 8422 section 5.1: without the curve of the key the client's suites of ECDSA are of no use.
    const lacksSuite =
      !isTls13(hello, this.#policy) &&
      (!haveCommon(this.#suites, hello.cipherSuites) || !this.#isOnGroupOf(hello));
    return lacksSuite ? "no-shared-cipher" : "no-shared-signature";
  }

  /** RFC 8446 section 4.2.3: neither PKCS #1 nor SHA-1, and each curve has its own scheme. */
  #fitOfTls13({ signatureSchemes }: ClientHello): Fit {
    return haveCommon(this.certificate.keySchemes, signatureSchemes) ? FIT.key : FIT.none;
  }

  #fitOfTls12(hello: ClientHello): Fit {
    const { signatureSchemes, cipherSuites } = hello;
    if (!haveCommon(this.#suites, cipherSuites) || !this.#isOnGroupOf(hello)) return FIT.none;
    if (haveCommon(this.#schemesOfTls12, signatureSchemes)) return FIT.key;
    // RFC 5246 section 7.4.1.4.1: a client that names no schemes takes SHA-1.
    const isWeak =
      signatureSchemes.length === 0
        ? this.#weakSchemes.length > 0
        : haveCommon(this.#weakSchemes, signatureSchemes);
    return isWeak ? FIT.weak : FIT.none;
  }

  /** RFC 8422 section 5.1: the groups that a client names are also those of the keys that it takes. */
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
