import { tryCipherSuite } from "#model/cipher-suites.ts";
import type { KeyType } from "#model/certificate.ts";
import type { ResolvedPolicy } from "#model/policy.ts";
import { wildcardOf } from "#model/server-name.ts";
import type { SnapshotCertificate } from "#model/snapshot.ts";
import type { ClientHello } from "./client-hello.ts";

/** Of one name, the first certificate of each key type. */
type ByKeyType = Partial<Record<KeyType, SnapshotCertificate>>;

/** Best first where the client can verify several: the cheapest signature for the director. */
const PREFERENCE: readonly KeyType[] = ["ecdsa", "ed25519", "rsa"];

const TLS13 = 0x0304;

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
  readonly #byName = new Map<string, ByKeyType>();
  readonly #fallback: ByKeyType;
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
        const entry = this.#byName.get(name) ?? {};
        entry[certificate.keyType] ??= certificate;
        this.#byName.set(name, entry);
      }
    }
    // The default with another key type is whatever covers one of its names; else the first of that type.
    const fallback: ByKeyType = {};
    for (const name of this.#first?.names ?? []) {
      for (const certificate of Object.values(this.#byName.get(name) ?? {})) {
        fallback[certificate.keyType] ??= certificate;
      }
    }
    for (const certificate of certificates) fallback[certificate.keyType] ??= certificate;
    this.#fallback = fallback;
  }

  /** Exact name, then wildcard, then the listener's default; undefined only where the listener is strict. */
  select(hello: ClientHello): SnapshotCertificate | undefined {
    const named = this.#named(hello.serverName);
    if (named === undefined && this.#isStrict) return undefined;
    return (
      this.#bestOf(named, hello) ??
      (named === undefined ? undefined : this.#anyOf(named)) ??
      this.#default(hello)
    );
  }

  #named(serverName: string | undefined): ByKeyType | undefined {
    if (serverName === undefined) return undefined;
    const exact = this.#byName.get(serverName);
    if (exact !== undefined) return exact;
    const wildcard = wildcardOf(serverName);
    return wildcard === undefined ? undefined : this.#byName.get(wildcard);
  }

  #default(hello: ClientHello): SnapshotCertificate | undefined {
    const first = this.#first;
    if (first !== undefined && canVerify(hello, first.keyType, this.#policy)) return first;
    return this.#bestOf(this.#fallback, hello) ?? first;
  }

  #bestOf(entry: ByKeyType | undefined, hello: ClientHello): SnapshotCertificate | undefined {
    if (entry === undefined) return undefined;
    for (const keyType of PREFERENCE) {
      const certificate = entry[keyType];
      if (certificate !== undefined && canVerify(hello, keyType, this.#policy)) return certificate;
    }
    return undefined;
  }

  /** The handshake fails with it, by the right name for the cause. */
  #anyOf(entry: ByKeyType): SnapshotCertificate | undefined {
    return PREFERENCE.map((keyType) => entry[keyType]).find(
      (certificate) => certificate !== undefined,
    );
  }
}
