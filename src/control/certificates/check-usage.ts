import type { KeyType } from "#model/document/certificate.ts";
import { tryCipherSuite } from "#model/tls/cipher-suites.ts";
import { listenersOf, type ListenerPlace } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import type { Problem } from "#model/failure.ts";
import { tryPolicy } from "#model/document/policy.ts";
import { problemOf } from "#model/problem.ts";
import { controlModeOf } from "../control-mode.ts";
import type { Sources } from "./sources.ts";

type Certificates = Pick<Sources["certificates"], "get">;

/** Checks whether certificates suit the listeners that use them. `listeners` may be only some of the document's listeners. */
export const checkUsage = (
  document: Document,
  certificates: Certificates,
  listeners: readonly ListenerPlace[] = listenersOf(document),
): readonly Problem[] =>
  listeners.flatMap((place) => [
    ...keyTypeProblems(document, certificates, place),
    ...purposeProblems(certificates, place),
  ]);

/** Finds a listener on which no TLS 1.2 client can agree on a cipher suite, because no suite works with its certificates. */
function keyTypeProblems(
  document: Document,
  known: Certificates,
  { path, listener }: ListenerPlace,
): readonly Problem[] {
  const tls = controlModeOf(listener).clientTlsOf(listener);
  if (tls === undefined) return [];
  const { certificates, policy } = tls;
  // Other rules report a policy that does not exist and a certificate that cannot be used.
  const resolved = tryPolicy(document.policies, policy);
  const versions = certificates.map((name) => known.get(name));
  if (resolved?.minVersion !== "TLSv1.2") return [];
  if (versions.length === 0 || versions.includes(undefined)) return [];
  const keyTypes = new Set(versions.flatMap((version) => version?.facts.keyType ?? []));
  const suites = resolved.cipherSuites.flatMap((name) => tryCipherSuite(name) ?? []);
  const isServed = suites.some(
    ({ version, keyType }) =>
      version === "TLSv1.2" && [...keyTypes].map(authenticationOf).includes(keyType),
  );
  if (isServed) return [];
  const message = `No TLS 1.2 cipher suite of policy ${policy} works with the keys of the certificates (${[...keyTypes].join(", ")}).`;
  return [problemOf("suite-without-key-type", `${path}.policy`, message)];
}

/** Ed25519 certificates use the ECDSA cipher suites (RFC 8422 section 5.10). */
const authenticationOf = (keyType: KeyType): "ecdsa" | "rsa" | "any" =>
  keyType === "rsa" ? "rsa" : "ecdsa";

const MESSAGE =
  "The extended key usage of this certificate lacks serverAuth, so clients refuse it (RFC 5280 section 4.2.1.12).";

/** Warns of certificates that the listener presents to clients although they were not issued for servers. */
const purposeProblems = (
  known: Certificates,
  { path, listener }: ListenerPlace,
): readonly Problem[] =>
  (controlModeOf(listener).clientTlsOf(listener)?.certificates ?? []).flatMap((name, at) =>
    known.get(name)?.isForServers === false
      ? [problemOf("key-usage", `${path}.certificates[${at}]`, MESSAGE)]
      : [],
  );
