import type { CertificateFacts, KeyType } from "#model/document/certificate.ts";
import { tryCipherSuite } from "#model/tls/cipher-suites.ts";
import {
  listenersOf,
  listenersOfVnic,
  vnicsOfProfile,
  type ListenerPlace,
} from "#model/document/document-listeners.ts";
import { surroundingsOf } from "#model/document/document-surroundings.ts";
import type { Document } from "#model/document/document.ts";
import type { Problem } from "#model/failure.ts";
import { tryPolicy } from "#model/document/policy.ts";
import type { Profile } from "#model/document/profile.ts";
import { problemOf } from "#model/problem.ts";
import { Traced } from "#model/traced.ts";
import { clientTlsUsesOf, type ClientTlsUse } from "../client-tls-uses.ts";
import { controlModeOf } from "../control-mode.ts";
import type { Sources } from "./sources.ts";

/** What these rules read of a version. */
interface Usable {
  readonly facts: Pick<CertificateFacts, "keyType">;
  readonly isForServers: boolean;
}

type Certificates = Pick<ReadonlyMap<string, Usable>, "get">;

/** Checks whether certificates suit the listeners that use them. */
export function checkUsage(
  document: Document,
  certificates: Sources["certificates"],
): readonly Problem[] {
  const usable = new Map(
    certificates.entries().map(([name, version]) => [name, usableOf(version)]),
  );
  const { surroundings, document: seen, more } = surroundingsOf(document, { versions: usable });
  return Object.entries(document.profiles).flatMap(([name, profile]) =>
    USAGE.of(profile, name, surroundings, () =>
      vnicsOfProfile(name, profile)
        .flatMap(listenersOfVnic)
        .flatMap((place) => checkListenerUsage(seen, more.versions, place)),
    ),
  );
}

/** Returns what the rules read of a version. It is the same object for all versions that do not differ for the rules. */
export const usableOf = ({ facts, isForServers }: Usable): Usable => {
  const ofType = USABLE[facts.keyType];
  return isForServers ? ofType.forServers : ofType.forOthers;
};

const usableTypes = (keyType: KeyType) => ({
  forServers: { facts: { keyType }, isForServers: true },
  forOthers: { facts: { keyType }, isForServers: false },
});

const USABLE = {
  rsa: usableTypes("rsa"),
  ecdsa: usableTypes("ecdsa"),
  ed25519: usableTypes("ed25519"),
} as const satisfies Readonly<Record<KeyType, ReturnType<typeof usableTypes>>>;

const USAGE = new Traced<Profile, readonly Problem[]>();

/** Does the same for one listener. */
export const checkListenerUsage = (
  document: Document,
  certificates: Certificates,
  place: ListenerPlace,
): readonly Problem[] => [
  ...keyTypeProblems(document, certificates, place),
  ...purposeProblems(certificates, place),
];

/** Finds a listener on which no TLS 1.2 client can agree on a cipher suite, because no suite works with its certificates. */
function keyTypeProblems(
  document: Document,
  known: Certificates,
  place: ListenerPlace,
): readonly Problem[] {
  return usesOf(place).flatMap(({ policy, certificates, policyPath }) => {
    const servable = servableKeyTypes(document, policy);
    if (servable === undefined) return [];
    const versions = certificates.map((name) => known.get(name));
    // Other rules report a certificate that cannot be used.
    if (versions.length === 0 || versions.includes(undefined)) return [];
    const keyTypes = new Set(versions.flatMap((version) => version?.facts.keyType ?? []));
    if (!keyTypes.isDisjointFrom(servable)) return [];
    const message = `No TLS 1.2 cipher suite of policy ${policy} works with the keys of the certificates (${[...keyTypes].join(", ")}).`;
    return [problemOf("suite-without-key-type", `${place.path}.${policyPath}`, message)];
  });
}

const usesOf = ({ listener }: Pick<ListenerPlace, "listener">): readonly ClientTlsUse[] => {
  const tls = controlModeOf(listener).clientTlsOf(listener);
  return tls === undefined ? [] : clientTlsUsesOf(tls);
};

/**
 * Finds the policies with which no TLS 1.2 client can be shown a certificate of this key type, at the listeners that use it. Another
 * certificate of the listener does not help, because it has other names.
 */
export function unfitPolicies(
  document: Document,
  name: string,
  keyType: KeyType,
): readonly Problem[] {
  return listenersOf(document).flatMap((place) =>
    usesOf(place).flatMap(({ policy, certificates, policyPath }) => {
      if (!certificates.includes(name)) return [];
      const servable = servableKeyTypes(document, policy);
      if (servable === undefined || servable.has(keyType)) return [];
      const message = `No TLS 1.2 cipher suite of policy ${policy} works with the key of the new version of ${name} (${keyType}).`;
      return [problemOf("suite-without-key-type", `${place.path}.${policyPath}`, message)];
    }),
  );
}

/**
 * Returns the key types that the TLS 1.2 cipher suites of the policy work with. Returns undefined if no TLS 1.2 client is
 * served, or if the policy does not exist.
 */
export function servableKeyTypes(
  { policies }: Document,
  policy: string,
): ReadonlySet<KeyType> | undefined {
  const resolved = tryPolicy(policies, policy);
  if (resolved?.minVersion !== "TLSv1.2") return undefined;
  const suites = resolved.cipherSuites.flatMap((name) => tryCipherSuite(name) ?? []);
  return new Set(
    suites.flatMap(({ version, keyType }) => {
      if (version !== "TLSv1.2") return [];
      return KEY_TYPES[keyType];
    }),
  );
}

/** Ed25519 certificates use the ECDSA cipher suites (RFC 8422 section 5.10). */
const KEY_TYPES = {
  rsa: ["rsa"],
  ecdsa: ["ecdsa", "ed25519"],
  any: ["rsa", "ecdsa", "ed25519"],
} as const satisfies Readonly<Record<"rsa" | "ecdsa" | "any", readonly KeyType[]>>;

const MESSAGE =
  "The extended key usage of this certificate lacks serverAuth, so clients refuse it (RFC 5280 section 4.2.1.12).";

/** Warns of certificates that the listener presents to clients although they were not issued for servers. */
function purposeProblems(known: Certificates, place: ListenerPlace): readonly Problem[] {
  const paths = new Set<string>();
  for (const { certificates, certificatesPath } of usesOf(place)) {
    certificates.forEach((name, at) => {
      if (known.get(name)?.isForServers === false) paths.add(`${certificatesPath}[${at}]`);
    });
  }
  return Array.from(paths, (path) => problemOf("key-usage", `${place.path}.${path}`, MESSAGE));
}
