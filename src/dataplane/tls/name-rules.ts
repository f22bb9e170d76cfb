import type { CertificateName } from "#model/names.ts";
import {
  policiesOfClients,
  type SnapshotCertificate,
  type SnapshotClientPolicy,
  type SnapshotClientTls,
  type SnapshotName,
  type SnapshotNamed,
} from "#model/records/snapshot.ts";
import type { Steps } from "../live/in-slices.ts";
import { RecentMap } from "../live/recent-map.ts";
import { CertificateIndex, type CertificateBindings } from "./certificate-index.ts";
import type { NameTable } from "./name-table.ts";
import { SharedMap } from "./shared-map.ts";
import { identityOfName, identityWith, type TlsIdentity } from "./tls-identity.ts";

type NamedSpec = SnapshotClientTls & SnapshotNamed;

/** So many identities of names are kept for each listener. Others are built again when they are needed, which takes microseconds. */
const MAX_IDENTITIES = 2_048;

const NO_VERSIONS = new SharedMap<SnapshotCertificate>();

/**
 * How a listener terminates the TLS of clients, by their server name. It is immutable but for the identities that it keeps: a rotation
 * makes new rules, which share with those before all that the changed certificates do not touch.
 */
export class NameRules {
  readonly table: NameTable;
  /** That of clients which send no name, or one that has no entry. */
  readonly ofListener: TlsIdentity;
  /** Whether clients of any name are asked for a certificate. */
  readonly requestsCertificate: boolean;
  readonly #spec: NamedSpec;
  /** The choice among the certificates of the listener, by what it depends on besides these. */
  readonly #indexes: ReadonlyMap<string, CertificateIndex>;
  /** The versions of the certificates that names have of their own. */
  readonly #versions: SharedMap<SnapshotCertificate>;
  readonly #identities = new RecentMap<string, TlsIdentity>(MAX_IDENTITIES);

  private constructor(
    spec: NamedSpec,
    table: NameTable,
    indexes: ReadonlyMap<string, CertificateIndex>,
    versions: SharedMap<SnapshotCertificate>,
  ) {
    this.#spec = spec;
    this.table = table;
    this.#indexes = indexes;
    this.#versions = versions;
    this.requestsCertificate = policiesOfClients(spec).some(
      ({ clientAuth }) => clientAuth.mode !== "none",
    );
    this.ofListener = identityWith(spec, this.#indexOf(spec));
  }

  static *build(
    spec: NamedSpec,
    table: NameTable,
    bindings: CertificateBindings,
  ): Steps<NameRules> {
    const indexes = new Map<string, CertificateIndex>();
    const inherited = [spec, ...(yield* policiesWithoutCertificates(spec, table))];
    for (const { policy } of inherited) {
      const key = indexKeyOf(policy);
      if (indexes.has(key)) continue;
      indexes.set(key, yield* CertificateIndex.build({ ...spec, policy }, bindings));
    }
    const rules = new NameRules(spec, table, indexes, NO_VERSIONS);
    return yield* rules.#withVersions(indexes, spec.names?.certificates ?? [], bindings);
  }

  /** Returns the rules with other versions of these certificates. Those that `bindings` lacks are left out. */
  *rebind(names: ReadonlySet<CertificateName>, bindings: CertificateBindings): Steps<NameRules> {
    const indexes = new Map<string, CertificateIndex>();
    for (const [key, index] of this.#indexes)
      indexes.set(key, yield* index.rebind(names, bindings));
    const own = new Set(this.#spec.names?.certificates);
    return yield* this.#withVersions(indexes, names.intersection(own), bindings);
  }

  *#withVersions(
    indexes: ReadonlyMap<string, CertificateIndex>,
    names: Iterable<CertificateName>,
    bindings: CertificateBindings,
  ): Steps<NameRules> {
    const versions = this.#versions.edit();
    for (const name of names) {
      const version = bindings.get(name);
      if (version === undefined) versions.delete(name);
      else versions.set(name, version);
      yield;
    }
    return new NameRules(this.#spec, this.table, indexes, versions.done());
  }

  /** Returns the identity of an entry, which must be of `table`. */
  identityOf({ policy, certificates }: SnapshotName): TlsIdentity {
    if (policy === undefined && certificates === undefined) return this.ofListener;
    const key = `${policy ?? ""} ${certificates?.join(" ") ?? ""}`;
    return this.#identities.use(key, () => {
      const ofPolicy = this.#policyOf(policy);
      if (certificates !== undefined) return identityOfName(ofPolicy, certificates, this.#versions);
      const spec = { ...this.#spec, ...ofPolicy };
      return identityWith(spec, this.#indexOf(spec));
    });
  }

  /** Returns the versions of all certificates that can be chosen. */
  *versions(): Iterable<SnapshotCertificate> {
    yield* this.ofListener.certificates.versions();
    yield* this.#versions.values();
  }

  /**
   * Returns an identity for each policy of names with one of its certificates, then those of the names that have one of these
   * certificates of their own, or any if `names` is undefined.
   */
  *identitiesOfNames(names?: ReadonlySet<CertificateName>): Iterable<TlsIdentity> {
    if (this.#spec.names === undefined) return;
    const isChanged = (one: CertificateName): boolean => names === undefined || names.has(one);
    if (names !== undefined && !this.#spec.names.certificates.some(isChanged)) return;
    const seen = new Set<string>();
    const later: SnapshotName[] = [];
    for (const entry of this.table.entries()) {
      if (names !== undefined && entry.certificates?.some(isChanged) !== true) continue;
      const policy = entry.policy ?? "";
      if (seen.has(policy)) later.push(entry);
      else {
        seen.add(policy);
        yield this.identityOf(entry);
      }
    }
    for (const entry of later) if (entry.certificates !== undefined) yield this.identityOf(entry);
  }

  #policyOf(name: string | undefined): SnapshotClientPolicy {
    if (name === undefined) return this.#spec;
    const policy = this.#spec.names?.policies[name];
    if (policy === undefined) throw new TypeError(`Policy ${name} of a name has not arrived.`);
    return policy;
  }

  #indexOf({ policy }: SnapshotClientPolicy): CertificateIndex {
    const index = this.#indexes.get(indexKeyOf(policy));
    if (index === undefined) throw new TypeError(`Policy ${policy.name} has no certificates.`);
    return index;
  }
}

/** The choice depends on these settings of a policy only (certificate-fit.ts). */
const indexKeyOf = ({ maxVersion, cipherSuites }: SnapshotClientPolicy["policy"]): string =>
  `${maxVersion} ${cipherSuites.join(" ")}`;

/** Returns the policies of names that are shown the certificates of the listener. */
function* policiesWithoutCertificates(
  { names }: NamedSpec,
  table: NameTable,
): Steps<readonly SnapshotClientPolicy[]> {
  const wanted = new Set<string>();
  for (const { policy, certificates } of table.entries()) {
    if (policy !== undefined && certificates === undefined) wanted.add(policy);
    yield;
  }
  return [...wanted].flatMap((policy) => names?.policies[policy] ?? []);
}
