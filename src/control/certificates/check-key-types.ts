import type { KeyType } from "#model/document/certificate.ts";
import { tryCipherSuite } from "#model/tls/cipher-suites.ts";
import { listenersOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import type { Problem } from "#model/failure.ts";
import { tryPolicy } from "#model/document/policy.ts";
import { problemOf } from "#model/problem.ts";
import { controlModeOf, type ClientTls } from "../control-mode.ts";
import type { Sources } from "./sources.ts";

/** Listeners on which no TLS 1.2 client could agree on a suite, as none goes with the certificates' keys. */
export function checkKeyTypes(document: Document, sources: Sources): readonly Problem[] {
  return listenersOf(document).flatMap(({ path, listener }) => {
    const tls = controlModeOf(listener).clientTlsOf(listener);
    return tls === undefined ? [] : checkClientTls(document, sources, tls, `${path}.policy`);
  });
}

function checkClientTls(
  document: Document,
  sources: Sources,
  { certificates, policy }: ClientTls,
  path: string,
): readonly Problem[] {
  // A certificate that is missing or could not be read has a problem of its own.
  const resolved = tryPolicy(document.policies, policy);
  const versions = certificates.map((name) => sources.certificates.get(name));
  if (resolved?.minVersion !== "TLSv1.2") return [];
  if (versions.length === 0 || versions.includes(undefined)) return [];
  const keyTypes = new Set(versions.flatMap((version) => version?.facts.keyType ?? []));
  const suites = resolved.cipherSuites.flatMap((name) => tryCipherSuite(name) ?? []);
  const isServed = suites.some(
    ({ version, keyType }) =>
      version === "TLSv1.2" && [...keyTypes].map(authenticationOf).includes(keyType),
  );
  if (isServed) return [];
  const message = `No TLSv1.2 suite of policy ${policy} goes with a key of the certificates (${[...keyTypes].join(", ")}).`;
  return [problemOf("suite-without-key-type", path, message)];
}

/** Ed25519 goes with the ECDSA suites (RFC 8422 section 5.10). */
const authenticationOf = (keyType: KeyType): "ecdsa" | "rsa" | "any" =>
  keyType === "rsa" ? "rsa" : "ecdsa";
