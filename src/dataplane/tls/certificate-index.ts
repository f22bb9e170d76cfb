import { tryCipherSuite } from "#model/cipher-suites.ts";
import type { KeyType } from "#model/certificate.ts";
import type { ResolvedPolicy } from "#model/policy.ts";
import { wildcardOf } from "#model/server-name.ts";
import type { SnapshotCertificate } from "#model/snapshot.ts";
import type { ClientHello } from "./client-hello.ts";

/** Best first where the client can verify several: the cheapest signature for the director. */
const PREFERENCE: readonly KeyType[] = ["ecdsa", "ed25519", "rsa"];

const TLS13 = 0x0304;
/** No certificate had expired by then: for a name that has none that is valid. */
const LONG_AGO_MS = Number.NEGATIVE_INFINITY;

/** SignatureScheme code points of RFC 8446 section 4.2.3. */
function keyTypeOfScheme(scheme: number): KeyType | undefined {
  if (scheme === 0x0807) return "ed25519";
  if (scheme >= 0x0804 && scheme <= 0x0806) return "rsa";
  switch (scheme & 0xff) {
    case 0x01:
      return "rsa";
    case 0x03:
      return "ecdsa";
    default:
      return undefined;
  }
}

/** Whether the client can verify a signature of this key type, and speaks a suite of the policy that goes with it. */
function canVerify(hello: ClientHello, keyType: KeyType, policy: ResolvedPolicy): boolean {
  const hasScheme =
    hello.signatureSchemes.length === 0
      ? // RFC 5246 section 7.4.1.4.1: a client that does not say takes RSA and ECDSA with SHA-1; ECDSA by its suites.
        keyType !== "ed25519"
      : hello.signatureSchemes.some((scheme) => keyTypeOfScheme(scheme) === keyType);
  if (!hasScheme) return false;
  if (policy.maxVersion === "TLSv1.3" && hello.versions.includes(TLS13)) return true;
  const wanted = keyType === "rsa" ? "rsa" : "ecdsa";
  return policy.cipherSuites.some((name) => {
    const suite = tryCipherSuite(name);
    return suite?.keyType === wanted && hello.cipherSuites.includes(suite.code);
  });
}

/** Which certificate of a listener a client is shown. Built once a snapshot. */
export class CertificateIndex {
  /** Of one name, in the order of the document. */
  readonly #byName = new Map<string, SnapshotCertificate[]>();
  /** Those that share a name with the first before all others. */
  readonly #fallback: readonly SnapshotCertificate[];
  readonly #first: SnapshotCertificate | undefined;
  readonly #policy: ResolvedPolicy;
  readonly #isStrict: boolean;

  constructor(
    certificates: readonly SnapshotCertificate[],
    policy: ResolvedPolicy,
    isStrict: boolean,
  ) {
    this.#policy = policy;
    this.#isStrict = isStrict;
    this.#first = certificates[0];
    for (const certificate of certificates) {
      for (const name of certificate.names) {
        const named = this.#byName.get(name);
        if (named === undefined) this.#byName.set(name, [certificate]);
        else named.push(certificate);
      }
    }
    const kin = (this.#first?.names ?? []).flatMap((name) => this.#byName.get(name) ?? []);
    this.#fallback = [...new Set([...kin, ...certificates])];
  }

  /** Exact name, then wildcard, then the listener's default; undefined only where the listener is strict. */
  select(hello: ClientHello, nowMs: number): SnapshotCertificate | undefined {
    const { serverName } = hello;
    const exact = this.#named(serverName);
    const wildcard = serverName === undefined ? undefined : this.#named(wildcardOf(serverName));
    if (exact === undefined && wildcard === undefined) {
      return this.#isStrict ? undefined : this.#default(hello, nowMs);
    }
    return (
      this.#bestOf(exact, hello, nowMs) ??
      this.#bestOf(wildcard, hello, nowMs) ??
      this.#bestOf(exact, hello, LONG_AGO_MS) ??
      this.#bestOf(wildcard, hello, LONG_AGO_MS) ??
      // The handshake fails with it, by the right name for the cause.
      exact?.[0] ??
      wildcard?.[0]
    );
  }

  #named(name: string | undefined): readonly SnapshotCertificate[] | undefined {
    return name === undefined ? undefined : this.#byName.get(name);
  }

  #default(hello: ClientHello, nowMs: number): SnapshotCertificate | undefined {
    const first = this.#first;
    if (first !== undefined && first.notAfterMs > nowMs) {
      if (canVerify(hello, first.keyType, this.#policy)) return first;
    }
    return (
      this.#bestOf(this.#fallback, hello, nowMs) ??
      this.#bestOf(this.#fallback, hello, LONG_AGO_MS) ??
      first
    );
  }

  /** Asked at each handshake, as a certificate expires without a change that would bring a new snapshot. */
  #bestOf(
    certificates: readonly SnapshotCertificate[] | undefined,
    hello: ClientHello,
    validAtMs: number,
  ): SnapshotCertificate | undefined {
    if (certificates === undefined) return undefined;
    for (const keyType of PREFERENCE) {
      for (const certificate of certificates) {
        if (certificate.keyType !== keyType || certificate.notAfterMs <= validAtMs) continue;
        if (canVerify(hello, keyType, this.#policy)) return certificate;
        break;
      }
    }
    return undefined;
  }
}
