import { isIP } from "node:net";
import { GROUPS, GROUP_NAMES } from "#model/tls/cipher-suites.ts";
import { groupCodeOf, SCHEMES } from "#model/tls/signature-schemes.ts";
import type { CertificateName, ListenerName } from "#model/names.ts";
import type {
  Snapshot,
  SnapshotCertificate,
  SnapshotClientTls,
  SnapshotListener,
} from "#model/records/snapshot.ts";
import type { Compiled } from "../compile-snapshot.ts";
import type { Sources } from "../certificates/sources.ts";
import type { ClientOffer } from "../reader/jobs.ts";

type TlsListener = SnapshotListener & SnapshotClientTls;

/** A certificate that clients of a listener must be shown since a change. */
export interface ProofTarget {
  readonly certificate: CertificateName;
  readonly listener: ListenerName;
  /** What a client offers that is to be shown this certificate. */
  readonly offer: ClientOffer;
  /** SHA-256 of its DER, hex. */
  readonly fingerprint: string;
  readonly serial: string;
  /** Returns the name of the certificate of the listener with this fingerprint, if one is in force. */
  readonly tryOther: (fingerprint: string) => CertificateName | undefined;
}

/** Few certificates are looked through for a name that only the changed one covers. */
const MAX_SIBLINGS = 100;
/** Stands for the label that a wildcard covers. */
const ANY_LABEL = "tlsd-proof";

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
  const had = new Set(known.certificates);
  return listener.certificates.filter(
    (name) =>
      !had.has(name) ||
      before?.certificates.get(name)?.material !== after.certificates.get(name)?.material,
  );
}

function tryTarget(
  name: CertificateName,
  listener: TlsListener,
  { certificates }: Snapshot,
  sources: Sources,
): ProofTarget | undefined {
  const binding = certificates.get(name);
  const facts = sources.certificates.get(name)?.facts;
  if (binding === undefined || facts === undefined) return undefined;
  const siblings = listener.certificates.filter((other) => other !== name);
  return {
    certificate: name,
    listener: listener.name,
    offer: offerOf(binding, listener, certificates),
    fingerprint: facts.fingerprint,
    serial: facts.serialNumber,
    tryOther: (fingerprint) =>
      siblings.find((other) => sources.certificates.get(other)?.facts.fingerprint === fingerprint),
  };
}

/** Signature algorithms by code, in the names of OpenSSL, which are those of RFC 8446. */
const SCHEME_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(SCHEMES).map(([name, code]) => [code, name]),
);
/** In TLS 1.2, an RSA key that is not restricted to PSS signs with these too. */
const PKCS1_SCHEMES = [
  SCHEMES.rsa_pkcs1_sha256,
  SCHEMES.rsa_pkcs1_sha384,
  SCHEMES.rsa_pkcs1_sha512,
];

function offerOf(
  certificate: SnapshotCertificate,
  listener: TlsListener,
  certificates: Snapshot["certificates"],
): ClientOffer {
  const { policy } = listener;
  const { keySchemes, keyType } = certificate;
  const isTls12 = policy.maxVersion === "TLSv1.2";
  const schemes = isTls12 && keyType === "rsa" ? [...keySchemes, ...PKCS1_SCHEMES] : keySchemes;
  const curve = GROUP_NAMES.filter((group) => GROUPS[group] === groupCodeOf(keySchemes));
  return {
    serverName: serverNameFor(certificate, listener, certificates),
    version: policy.maxVersion,
    cipherSuites: policy.cipherSuites,
    // A key can be used in TLS 1.2 only if the client supports its curve.
    groups: [...new Set([...policy.groups, ...curve])],
    signatureAlgorithms: schemes.flatMap((scheme) => SCHEME_NAMES.get(scheme) ?? []),
  };
}

/**
 * Returns a name that the certificate covers, if possible one that no other certificate of the listener covers. Returns
 * undefined if it covers no host name: it can then be shown only to clients that send none.
 */
function serverNameFor(
  { name, names }: SnapshotCertificate,
  listener: TlsListener,
  certificates: Snapshot["certificates"],
): string | undefined {
  const hostNames = names.filter((one) => isIP(one) === 0);
  const others = new Set(
    listener.certificates
      .slice(0, MAX_SIBLINGS)
      .filter((other) => other !== name)
      .flatMap((other) => certificates.get(other)?.names ?? []),
  );
  const chosen = hostNames.find((one) => !others.has(one)) ?? hostNames[0];
  return chosen?.replace(/^\*(?=\.)/, ANY_LABEL);
}
