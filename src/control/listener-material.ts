import type { Document } from "#model/document/document.ts";
import type { Listener } from "#model/document/listener.ts";
import { listedNamesOf } from "#model/document/names-option.ts";
import { pathOf } from "#model/problem.ts";
import { SYSTEM_TRUST_KEY, trustKeyOf } from "./certificates/sources.ts";
import { controlModeOf, type ClientTls } from "./control-mode.ts";
import type { ListenerSources } from "./listener-owner.ts";

/** A CA bundle that a listener verifies peers with. */
export interface ListenerTrust {
  readonly key: string;
  readonly what: string;
  /** The key of the listener that leads to the bundle, e.g. `endpointTls.ca`. */
  readonly path: string;
  /** Whether the listener can be served without the bundle, because only its health check uses it. */
  readonly isForCheck?: boolean;
}

/** The certificates and CA bundles that a listener refers to. */
export interface ListenerMaterial {
  /** The listener presents one of these certificates to clients. */
  readonly certificates: readonly string[];
  /** Those that it presents to clients of certain server names, and their paths in the listener. */
  readonly certificatesOfNames: readonly { readonly name: string; readonly path: string }[];
  /** Without these trusts, clients or endpoints could not be verified, so the listener cannot be served, unless it is for the check. */
  readonly trusts: readonly ListenerTrust[];
  /** The listener presents this certificate to endpoints. */
  readonly endpointCertificate: string | undefined;
}

export function materialOfListener(listener: Listener, document: Document): ListenerMaterial {
  const mode = controlModeOf(listener);
  const clientTls = mode.clientTlsOf(listener);
  const ofEndpoints = mode.endpointTrustsOf(listener).map(({ ca, path, isForCheck = false }) => ({
    key: ca === undefined ? SYSTEM_TRUST_KEY : trustKeyOf(ca, undefined),
    what: "the CAs of its endpoints",
    path,
    isForCheck,
  }));
  return {
    certificates: clientTls?.certificates ?? [],
    certificatesOfNames: clientTls === undefined ? [] : certificatesOfNames(clientTls),
    trusts: [
      ...(clientTls === undefined ? [] : clientTrustsOf(clientTls, document)),
      ...ofEndpoints,
    ],
    endpointCertificate: mode.endpointCertificateOf(listener),
  };
}

const certificatesOfNames = (tls: ClientTls): ListenerMaterial["certificatesOfNames"] =>
  listedNamesOf(tls).flatMap(({ key, certificates = [] }) =>
    certificates.map((name, at) => ({
      name,
      path: `${pathOf("names", key, "certificates")}[${at}]`,
    })),
  );

/** A listener is not served without the CAs of one of its names, because these clients could otherwise not be verified. */
function clientTrustsOf(tls: ClientTls, { policies }: Document): ListenerMaterial["trusts"] {
  const paths = new Map([[tls.policy, "policy"]]);
  for (const { key, policy } of listedNamesOf(tls)) {
    if (policy !== undefined && !paths.has(policy))
      paths.set(policy, pathOf("names", key, "policy"));
  }
  return [...paths].flatMap(([policy, path]) => {
    if (!Object.hasOwn(policies, policy)) return [];
    const { mode, ca, crl } = policies[policy]?.clientAuth ?? {};
    if (mode === "none" || ca === undefined) return [];
    const what = `the CAs of its clients (policy ${policy})`;
    return [{ key: trustKeyOf(ca, crl), what, path }];
  });
}

/** Returns why a listener cannot be served with these sources, or undefined if it can. */
export function obstacleTo(
  { certificates, trusts, endpointCertificate }: ListenerMaterial,
  sources: ListenerSources,
): string | undefined {
  const isPresent = (name: string): boolean => sources.certificates.has(name);
  if (certificates.length > 0 && !certificates.some(isPresent)) {
    return `none of its certificates can be used: ${certificates.join(", ")}`;
  }
  if (endpointCertificate !== undefined && !isPresent(endpointCertificate)) {
    return `its certificate for endpoints cannot be used: ${endpointCertificate}`;
  }
  const missing = trusts.find(
    ({ key, isForCheck }) => isForCheck !== true && !sources.trusts.has(key),
  );
  return missing === undefined ? undefined : `${missing.what} cannot be used`;
}
