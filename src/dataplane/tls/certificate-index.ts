import type { KeyType } from "#model/document/certificate.ts";
import type { TlsHandshakeFailure } from "#model/records/outcome.ts";
import type { CertificateName } from "#model/names.ts";
import type { SnapshotCertificate, SnapshotClientTls } from "#model/records/snapshot.ts";
import { tryWildcardOf } from "#model/tls/server-name.ts";
import type { Steps } from "../live/in-slices.ts";
import {
  CertificateFit,
  FIT,
  suitesOf,
  type CertificatePlace,
  type Fit,
} from "./certificate-fit.ts";
import type { ClientHello } from "./client-hello.ts";
import { SharedMap, type SharedMapEdit } from "./shared-map.ts";

/**
 * The order of preference if the client can verify several key types. The key type whose signature costs the director
 * least is first.
 */
const PREFERENCE: readonly KeyType[] = ["ecdsa", "ed25519", "rsa"];

/**
 * A time before every certificate expires. It is used to choose among expired certificates if a name has no valid one.
 */
const LONG_AGO_MS = Number.NEGATIVE_INFINITY;

/** What an index is built from besides the versions of the certificates. */
export type IndexedListener = Pick<
  SnapshotClientTls,
  "certificates" | "policy" | "strictServerName"
>;

/** The version of each certificate name. */
export type CertificateBindings = ReadonlyMap<CertificateName, SnapshotCertificate>;

export interface VersionLookup {
  get(name: CertificateName): SnapshotCertificate | undefined;
}

/** Certificates that share a name, in order of preferred key type, then in the order of the document. */
type Candidates = readonly CertificateFit[];

const NO_FITS = new SharedMap<CertificateFit>();
const NO_NAMES = new SharedMap<Candidates>();

/**
 * Chooses the certificate that a listener presents to a client. It is immutable: a rotation makes a new index, which shares with
 * the one before it all names that the changed certificates do not cover.
 */
export class CertificateIndex {
  readonly #listener: IndexedListener;
  readonly #places: ReadonlyMap<CertificateName, CertificatePlace>;
  /** By the name of the certificate. */
  readonly #fits: SharedMap<CertificateFit>;
  /** By the names that the certificates cover. */
  readonly #byName: SharedMap<Candidates>;
  #defaults: Defaults | undefined;

  private constructor(
    listener: IndexedListener,
    places: ReadonlyMap<CertificateName, CertificatePlace>,
    fits = NO_FITS,
    byName = NO_NAMES,
  ) {
    this.#listener = listener;
    this.#places = places;
    this.#fits = fits;
    this.#byName = byName;
  }

  static build(listener: IndexedListener, bindings: VersionLookup): Steps<CertificateIndex> {
    const suites = suitesOf(listener.policy);
    const places = new Map(
      listener.certificates.map((name, position) => [name, { position, suites }]),
    );
    const empty = new CertificateIndex(listener, places);
    return empty.rebind(listener.certificates, bindings);
  }

  /** Returns the index with other versions of these certificates. Those that `bindings` lacks are left out. */
  *rebind(names: Iterable<CertificateName>, bindings: VersionLookup): Steps<CertificateIndex> {
    const fits = this.#fits.edit();
    const byName = this.#byName.edit();
    for (const name of names) {
      const place = this.#places.get(name);
      if (place === undefined) continue;
      const before = fits.get(name);
      const binding = bindings.get(name);
      const after = binding && new CertificateFit(binding, this.#listener.policy, place);
      if (after === undefined) fits.delete(name);
      else fits.set(name, after);
      replaceInNames(byName, before, after);
      yield;
    }
    return new CertificateIndex(this.#listener, this.#places, fits.done(), byName.done());
  }

  /** Returns the versions of all certificates that can be chosen. */
  *versions(): Iterable<SnapshotCertificate> {
    for (const { certificate } of this.#fits.values()) yield certificate;
  }

  /** Returns undefined if the listener does not use the certificate, or if it has no version. */
  versionOf(name: CertificateName): SnapshotCertificate | undefined {
    return this.#fits.get(name)?.certificate;
  }

  /** Returns the certificates that cover exactly this name or wildcard. The list is the same until one of them changes. */
  candidatesFor(name: string): Candidates | undefined {
    return this.#byName.get(name);
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
    const exact = serverName === undefined ? undefined : this.#byName.get(serverName);
    const wildcardName = serverName === undefined ? undefined : tryWildcardOf(serverName);
    const wildcard = wildcardName === undefined ? undefined : this.#byName.get(wildcardName);
    if (exact === undefined && wildcard === undefined) {
      return this.#listener.strictServerName ? undefined : this.#default(hello, nowMs);
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

  /**
   * Returns the first certificate of the listener, unless another certificate with one of its names fits the client
   * better. If none of these fits at all, returns the best of all certificates.
   */
  #default(hello: ClientHello, nowMs: number): CertificateFit | undefined {
    this.#defaults ??= this.#defaultsAnew();
    const { first, kin, all } = this.#defaults;
    const fit = first === undefined ? FIT.none : fitAt(first, hello, nowMs);
    if (fit === FIT.whole) return first;
    const best = bestOf(kin, hello, nowMs, fit);
    if (best !== undefined) return best;
    if (fit !== FIT.none) return first;
    return (
      bestOf(all(), hello, nowMs) ??
      bestOf(kin, hello, LONG_AGO_MS) ??
      bestOf(all(), hello, LONG_AGO_MS) ??
      first
    );
  }

  /** Is called for the first client that sends no known name, because most listeners with many certificates have few of them. */
  #defaultsAnew(): Defaults {
    const firstName = this.#listener.certificates.find((name) => this.#fits.get(name));
    const first = firstName && this.#fits.get(firstName);
    const names = first?.certificate.names ?? [];
    const kin = new Set(names.flatMap((name) => this.#byName.get(name) ?? []));
    let all: Candidates | undefined;
    return {
      first,
      kin: [...kin].toSorted(byPreference),
      all: () => (all ??= [...this.#fits.values()].toSorted(byPreference)),
    };
  }
}

/** What is presented to a client that sends no name, or none that a certificate covers. */
interface Defaults {
  readonly first: CertificateFit | undefined;
  /** The certificates that share a name with the first, including the first. */
  readonly kin: Candidates;
  /** Returns all certificates. Few clients need them, and sorting thousands takes a millisecond. */
  readonly all: () => Candidates;
}

const byPreference = (one: CertificateFit, other: CertificateFit): number =>
  PREFERENCE.indexOf(one.certificate.keyType) - PREFERENCE.indexOf(other.certificate.keyType) ||
  one.position - other.position;

/** Replaces the lists of the names that one of the two versions of a certificate covers. */
function replaceInNames(
  byName: SharedMapEdit<Candidates>,
  before: CertificateFit | undefined,
  after: CertificateFit | undefined,
): void {
  for (const name of before?.certificate.names ?? []) {
    const others = byName.get(name)?.filter((fit) => fit !== before) ?? [];
    if (others.length === 0) byName.delete(name);
    else byName.set(name, others);
  }
  if (after === undefined) return;
  for (const name of after.certificate.names) {
    const others = byName.get(name);
    byName.set(name, others === undefined ? [after] : insertedInto(others, after));
  }
}

function insertedInto(candidates: Candidates, fit: CertificateFit): Candidates {
  const at = candidates.findLastIndex((other) => byPreference(other, fit) < 0) + 1;
  return candidates.toSpliced(at, 0, fit);
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
