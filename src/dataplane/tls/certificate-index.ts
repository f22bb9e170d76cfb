import type { KeyType } from "#model/document/certificate.ts";
import type { TlsHandshakeFailure } from "#model/records/outcome.ts";
import type { ResolvedPolicy } from "#model/document/policy.ts";
import type { SnapshotCertificate } from "#model/records/snapshot.ts";
import { CertificateFit, FIT, type Fit } from "./certificate-fit.ts";
import type { ClientHello } from "./client-hello.ts";

/**
 * The order of preference if the client can verify several key types. The key type whose signature costs the director
 * least is first.
 */
const PREFERENCE: readonly KeyType[] = ["ecdsa", "ed25519", "rsa"];

/**
 * A time before every certificate expires. It is used to choose among expired certificates if a name has no valid one.
 */
const LONG_AGO_MS = Number.NEGATIVE_INFINITY;

/** Chooses the certificate that a listener presents to a client. Built once per snapshot. */
export class CertificateIndex {
  /** The certificates of each name, in order of preferred key type, then in the order of the document. */
  readonly #byName = new Map<string, CertificateFit[]>();
  /** The certificates that share a name with the first, including the first. */
  readonly #kin: readonly CertificateFit[];
  readonly #all: readonly CertificateFit[];
  readonly #first: CertificateFit | undefined;
  readonly #isStrict: boolean;

  constructor(
    certificates: readonly SnapshotCertificate[],
    policy: ResolvedPolicy,
    isStrict: boolean,
  ) {
    this.#isStrict = isStrict;
    const listed = certificates.map((certificate) => new CertificateFit(certificate, policy));
    this.#first = listed[0];
    this.#all = PREFERENCE.flatMap((keyType) =>
      listed.filter(({ certificate }) => certificate.keyType === keyType),
    );
    for (const fit of this.#all) {
      for (const name of fit.certificate.names) {
        const named = this.#byName.get(name);
        if (named === undefined) this.#byName.set(name, [fit]);
        else named.push(fit);
      }
    }
    const firstNames = this.#first?.certificate.names ?? [];
    const kin = new Set(firstNames.flatMap((name) => this.#byName.get(name) ?? []));
    this.#kin = this.#all.filter((fit) => kin.has(fit));
  }

  /**
   * Returns the certificate for the exact name, else for a wildcard, else the default of the listener. Returns
   * undefined if the listener is strict and no certificate matches the name.
   */
  select(hello: ClientHello, nowMs: number): SnapshotCertificate | undefined {
    return this.#select(hello, nowMs)?.certificate;
  }

  /** Returns why a handshake with the selected certificate cannot succeed, or undefined if it can. */
  mismatchOf(hello: ClientHello, nowMs: number): TlsHandshakeFailure | undefined {
    return this.#select(hello, nowMs)?.mismatchOf(hello);
  }

  #select(hello: ClientHello, nowMs: number): CertificateFit | undefined {
    const { serverName } = hello;
    const exact = this.#named(serverName);
    const wildcard = serverName === undefined ? undefined : this.#named(wildcardOf(serverName));
    if (exact === undefined && wildcard === undefined) {
      return this.#isStrict ? undefined : this.#default(hello, nowMs);
    }
    return (
      bestOf(exact, hello, nowMs) ??
      bestOf(wildcard, hello, nowMs) ??
      bestOf(exact, hello, LONG_AGO_MS) ??
      bestOf(wildcard, hello, LONG_AGO_MS) ??
      // The client can verify none of them. The handshake fails with this certificate, and mismatchOf names the cause.
      exact?.[0] ??
      wildcard?.[0]
    );
  }

  #named(name: string | undefined): readonly CertificateFit[] | undefined {
    return name === undefined ? undefined : this.#byName.get(name);
  }

  /**
   * Returns the first certificate of the listener, unless another certificate with one of its names fits the client
   * better. If none of these fits at all, returns the best of all certificates.
   */
  #default(hello: ClientHello, nowMs: number): CertificateFit | undefined {
    const first = this.#first;
    const fit = first === undefined ? FIT.none : fitAt(first, hello, nowMs);
    if (fit === FIT.whole) return first;
    const kin = bestOf(this.#kin, hello, nowMs, fit);
    if (kin !== undefined) return kin;
    if (fit !== FIT.none) return first;
    return (
      bestOf(this.#all, hello, nowMs) ??
      bestOf(this.#kin, hello, LONG_AGO_MS) ??
      bestOf(this.#all, hello, LONG_AGO_MS) ??
      first
    );
  }
}

/** The expiry is compared in each handshake, because a certificate can expire without a new snapshot. */
const fitAt = (candidate: CertificateFit, hello: ClientHello, validAtMs: number): Fit =>
  candidate.certificate.notAfterMs > validAtMs ? candidate.fitOf(hello) : FIT.none;

/** Returns the first of the candidates that fit best, if it fits better than `atLeast`. */
function bestOf(
  candidates: readonly CertificateFit[] | undefined,
  hello: ClientHello,
  validAtMs: number,
  atLeast: Fit = FIT.none,
): CertificateFit | undefined {
  let best: CertificateFit | undefined;
  let bestFit = atLeast;
  for (const candidate of candidates ?? []) {
    const fit = fitAt(candidate, hello, validAtMs);
    if (fit <= bestFit) continue;
    if (fit === FIT.whole) return candidate;
    best = candidate;
    bestFit = fit;
  }
  return best;
}

/**
 * Returns `*.example.org` for `a.example.org`, or undefined if no wildcard can cover the name (RFC 9525 section 6.3). A
 * name with an underscore is not a host name (RFC 1123 section 2.1) and matches only a certificate that contains exactly
 * this name.
 */
function wildcardOf(serverName: string): string | undefined {
  const dot = serverName.indexOf(".");
  // A wildcard replaces only the left-most label, and is never directly below a top-level domain.
  if (dot <= 0 || !serverName.includes(".", dot + 1) || serverName.includes("_")) return undefined;
  return `*${serverName.slice(dot)}`;
}
