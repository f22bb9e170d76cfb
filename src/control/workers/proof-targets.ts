import type { KeyType } from "#model/document/certificate.ts";
import { GROUPS, GROUP_NAMES } from "#model/tls/cipher-suites.ts";
import { isNumber, MAX_NAME_LENGTH, tryWildcardOf } from "#model/tls/server-name.ts";
import { groupCodeOf, SCHEMES } from "#model/tls/signature-schemes.ts";
import type { CertificateName, ListenerName } from "#model/names.ts";
import type {
  Snapshot,
  SnapshotCertificate,
  SnapshotClientTls,
  SnapshotListener,
  SnapshotName,
  SnapshotNamed,
  SnapshotNames,
} from "#model/records/snapshot.ts";
import type { ResolvedPolicy } from "#model/document/policy.ts";
import { entriesOf } from "../compile-names.ts";
import type { Compiled } from "../compile-snapshot.ts";
import type { Sources } from "../certificates/sources.ts";
import type { ClientOffer } from "../reader/jobs.ts";

type TlsListener = SnapshotListener & SnapshotClientTls & SnapshotNamed;

/** A certificate that clients of a listener must be shown since a change. */
export interface ProofTarget {
  readonly certificate: CertificateName;
  readonly listener: ListenerName;
  /** Returns what a client offers that is to be shown this certificate. It looks through all certificates of the listener. */
  readonly offerOf: () => ClientOffer;
  /** SHA-256 of its DER, hex. */
  readonly fingerprint: string;
  readonly serial: string;
  /**
   * Returns the name of the certificate of the listener that has this fingerprint, is in force and may come first for a client
   * that asks for this name.
   */
  readonly tryOther: (
    fingerprint: string,
    serverName: string | undefined,
  ) => CertificateName | undefined;
}

/** Stand for the label that a wildcard covers. The second is as long as `*`, so that no name becomes too long. */
const ANY_LABEL = "tlsd-proof";
const SHORT_LABEL = "t";
const WILDCARD = "*.";

/**
 * Returns the certificates that clients of a listener are shown by `after` and not by `before`, each with the first such
 * listener: those with another version, and those that the listener did not have. A new listener has shown no other certificate
 * before, so it needs no proof.
 */
export function proofTargetsOf(
  before: Snapshot | undefined,
  { snapshot: after }: Compiled,
  sources: Sources,
): readonly ProofTarget[] {
  const old = new Map(before?.listeners.map((listener) => [listener.name, listener]));
  const targets = new Map<CertificateName, ProofTarget>();
  for (const listener of after.listeners) {
    if (!("certificates" in listener)) continue;
    for (const name of namesShownAnew(old.get(listener.name), listener, before, after)) {
      if (targets.has(name)) continue;
      const target = tryTarget(name, listener, after, sources);
      if (target !== undefined) targets.set(name, target);
    }
  }
  return [...targets.values()];
}

/** Returns the listeners that present a certificate to clients by `after` that they did not present by `before`. */
export function listenersShownAnew(
  before: Snapshot | undefined,
  after: Snapshot,
): readonly ListenerName[] {
  const old = new Map(before?.listeners.map((listener) => [listener.name, listener]));
  return after.listeners.flatMap((listener) =>
    "certificates" in listener &&
    namesShownAnew(old.get(listener.name), listener, before, after).length > 0
      ? [listener.name]
      : [],
  );
}

function namesShownAnew(
  known: SnapshotListener | undefined,
  listener: TlsListener,
  before: Snapshot | undefined,
  after: Snapshot,
): readonly CertificateName[] {
  if (known === undefined || !("certificates" in known)) return [];
  const had = new Set(certificatesOf(known));
  return certificatesOf(listener).filter(
    (name) =>
      !had.has(name) ||
      before?.certificates.get(name)?.material !== after.certificates.get(name)?.material,
  );
}

const certificatesOf = ({ certificates, names }: TlsListener): readonly CertificateName[] =>
  names === undefined ? certificates : [...new Set([...certificates, ...names.certificates])];

function tryTarget(
  name: CertificateName,
  listener: TlsListener,
  { certificates }: Snapshot,
  sources: Sources,
): ProofTarget | undefined {
  const binding = certificates.get(name);
  const facts = sources.certificates.get(name)?.facts;
  if (binding === undefined || facts === undefined) return undefined;
  const shownTo = tlsByName(listener);
  const asked = namesToAsk(binding, listener, shownTo);
  const isFirst = listener.certificates[0] === name;
  const isUnnamed = listener.certificates.includes(name) && !binding.names.some(canAskFor);
  // A strict listener shows a certificate only to clients that send one of its names. A certificate whose names all have entries with
  // other certificates may be shown to nobody, unless it is the default.
  const isForNoName = !listener.strictServerName && (isFirst || isUnnamed);
  if (asked.length === 0 && !isForNoName) return undefined;
  const mayComeFirst = (
    other: CertificateName,
    serverName: string | undefined,
    { isOwn }: ShownTls,
  ): boolean =>
    isOwn || serverName === undefined || covers(certificates.get(other)?.names ?? [], serverName);
  return {
    certificate: name,
    listener: listener.name,
    offerOf: () => offerOf(binding, asked, shownTo, certificates),
    fingerprint: facts.fingerprint,
    serial: facts.serialNumber,
    tryOther: (fingerprint, serverName) => {
      const shown = shownTo(serverName);
      return shown.certificates.find(
        (other) =>
          other !== name &&
          sources.certificates.get(other)?.facts.fingerprint === fingerprint &&
          mayComeFirst(other, serverName, shown),
      );
    },
  };
}

/** How the listener terminates the TLS of clients that send a certain server name. */
interface ShownTls {
  readonly policy: ResolvedPolicy;
  readonly certificates: readonly CertificateName[];
  /** Whether the certificates are those of the name. Any of them can then be shown. */
  readonly isOwn: boolean;
}

/** Returns the function that finds how the listener terminates the TLS of clients that send a name. */
function tlsByName(listener: TlsListener): (serverName: string | undefined) => ShownTls {
  const { policy, certificates, names } = listener;
  const ofListener: ShownTls = { policy, certificates, isOwn: false };
  if (names === undefined) return () => ofListener;
  const entries = entriesByName(names);
  return (serverName) => {
    if (serverName === undefined) return ofListener;
    const entry = entries.get(serverName) ?? entries.get(tryWildcardOf(serverName) ?? serverName);
    if (entry === undefined) return ofListener;
    const own = entry.policy === undefined ? undefined : names.policies[entry.policy];
    return {
      policy: own?.policy ?? policy,
      certificates: entry.certificates ?? certificates,
      isOwn: entry.certificates !== undefined,
    };
  };
}

const ENTRIES = new WeakMap<SnapshotNames, ReadonlyMap<string, SnapshotName>>();

function entriesByName(names: SnapshotNames): ReadonlyMap<string, SnapshotName> {
  const entries =
    ENTRIES.get(names) ?? new Map(entriesOf(names).map((entry) => [entry.name, entry] as const));
  ENTRIES.set(names, entries);
  return entries;
}

/** So many entries that name a certificate are tried. */
const MAX_ENTRIES_ASKED = 8;

/** A server name that a client can send. */
interface Asked {
  readonly serverName: string;
  /** The name of the certificate, or of the entry, that leads to it. It can be a wildcard. */
  readonly of: string;
}

/** Returns server names for which the listener can show the certificate. */
function namesToAsk(
  { name, names }: SnapshotCertificate,
  listener: TlsListener,
  shownTo: (serverName: string) => ShownTls,
): readonly Asked[] {
  const ofCertificate = names.filter((one) => canAskFor(one));
  const isNamed = listener.names?.certificates.includes(name) === true;
  const naming = isNamed
    ? entriesByName(listener.names)
        .values()
        .filter(({ certificates }) => certificates?.includes(name) === true)
        .take(MAX_ENTRIES_ASKED)
        .map((entry) => entry.name)
    : [];
  return [...ofCertificate, ...naming]
    .map((of) => ({ serverName: sentNameOf(of), of }))
    .filter(({ serverName }) => shownTo(serverName).certificates.includes(name));
}

const covers = (names: readonly string[], serverName: string): boolean =>
  names.includes(serverName) || names.includes(tryWildcardOf(serverName) ?? serverName);

/** Whether a client can send a name for which a listener presents a certificate that covers `name`. */
function canAskFor(name: string): boolean {
  const sent = sentNameOf(name);
  const lastLabel = sent.slice(sent.lastIndexOf(".") + 1);
  return !isNumber(lastLabel) && covers([name], sent);
}

function sentNameOf(name: string): string {
  if (!name.startsWith(WILDCARD)) return name;
  const rest = name.slice(1);
  const label = ANY_LABEL.length + rest.length > MAX_NAME_LENGTH ? SHORT_LABEL : ANY_LABEL;
  return `${label}${rest}`;
}

/** Signature algorithms by code, in the names of OpenSSL, which are those of RFC 8446. */
const SCHEME_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(SCHEMES).map(([name, code]) => [code, name]),
);
const ECDSA_SCHEMES = [
  SCHEMES.ecdsa_secp256r1_sha256,
  SCHEMES.ecdsa_secp384r1_sha384,
  SCHEMES.ecdsa_secp521r1_sha512,
];
/** What keys of the types sign with that come first if a client can verify several. */
const SCHEMES_BEFORE: Readonly<Record<KeyType, readonly number[]>> = {
  ecdsa: [],
  ed25519: ECDSA_SCHEMES,
  rsa: [...ECDSA_SCHEMES, SCHEMES.ed25519],
};
/** In TLS 1.2, an RSA key that is not restricted to PSS signs with these too. */
const PKCS1_SCHEMES = [
  SCHEMES.rsa_pkcs1_sha256,
  SCHEMES.rsa_pkcs1_sha384,
  SCHEMES.rsa_pkcs1_sha512,
];

function offerOf(
  certificate: SnapshotCertificate,
  asked: readonly Asked[],
  shownTo: (serverName: string | undefined) => ShownTls,
  certificates: Snapshot["certificates"],
): ClientOffer {
  const serverName = serverNameFor(certificate, asked, shownTo, certificates);
  const { policy } = shownTo(serverName);
  const { keySchemes, chainSchemes, keyType } = certificate;
  const isPkcs1 = policy.maxVersion === "TLSv1.2" && keyType === "rsa";
  // A client that cannot verify the chain may be shown another certificate.
  const ofChain = chainSchemes.filter((scheme) => !SCHEMES_BEFORE[keyType].includes(scheme));
  const schemes = new Set([...keySchemes, ...(isPkcs1 ? PKCS1_SCHEMES : []), ...ofChain]);
  const curve = GROUP_NAMES.filter((group) => GROUPS[group] === groupCodeOf(keySchemes));
  return {
    serverName,
    version: policy.maxVersion,
    cipherSuites: policy.cipherSuites,
    // A key can be used in TLS 1.2 only if the client supports its curve.
    groups: [...new Set([...policy.groups, ...curve])],
    signatureAlgorithms: [...schemes].flatMap((scheme) => SCHEME_NAMES.get(scheme) ?? []),
  };
}

/**
 * Returns a name for which the certificate is shown, if possible one for which no other certificate is. Returns undefined if clients
 * cannot ask for any of its names: it can then be shown only to clients that send none.
 */
function serverNameFor(
  { name }: SnapshotCertificate,
  asked: readonly Asked[],
  shownTo: (serverName: string | undefined) => ShownTls,
  certificates: Snapshot["certificates"],
): string | undefined {
  const wanted = new Set(asked.map(({ of }) => of));
  const shared = new Set<string>();
  for (const other of shownTo(undefined).certificates) {
    if (other === name) continue;
    for (const one of certificates.get(other)?.names ?? []) if (wanted.has(one)) shared.add(one);
  }
  const isAlone = ({ serverName, of }: Asked): boolean => {
    const shown = shownTo(serverName);
    return shown.isOwn ? shown.certificates.length === 1 : !shared.has(of);
  };
  return (asked.find(isAlone) ?? asked[0])?.serverName;
}
