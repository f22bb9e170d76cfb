import type { Document } from "#model/document/document.ts";
import type { Listener } from "#model/document/listener.ts";
import { SYSTEM_TRUST_KEY, trustKeyOf, type Sources } from "./certificates/sources.ts";

/** The certificates and CA bundles that a listener refers to. */
export interface ListenerMaterial {
  /** It presents one of these certificates to clients. */
  readonly certificates: readonly string[];
  /** It cannot be served without these, as clients or endpoints would not be verified. */
  readonly trusts: readonly { readonly key: string; readonly what: string }[];
  /** It presents this certificate to endpoints. */
  readonly endpointCertificate: string | undefined;
}

export function materialOfListener(listener: Listener, document: Document): ListenerMaterial {
  const { mode, certificates, policy, endpointTls } = listener;
  if (mode === "redirect") return { certificates: [], trusts: [], endpointCertificate: undefined };
  const trusts: { readonly key: string; readonly what: string }[] = [];
  const clientAuth = Object.hasOwn(document.policies, policy)
    ? document.policies[policy]?.clientAuth
    : undefined;
  if (clientAuth?.ca !== undefined && clientAuth.mode !== "none") {
    const key = trustKeyOf(clientAuth.ca, clientAuth.crl);
    trusts.push({ key, what: `the CAs of its clients (policy ${policy})` });
  }
  const isVerified = mode === "egress" || endpointTls?.verify === true;
  if (isVerified || endpointTls?.ca !== undefined) {
    const key =
      endpointTls?.ca === undefined ? SYSTEM_TRUST_KEY : trustKeyOf(endpointTls.ca, undefined);
    trusts.push({ key, what: "the CAs of its endpoints" });
  }
  return { certificates, trusts, endpointCertificate: endpointTls?.certificate };
}

/** Returns why a listener cannot be served with these sources, or undefined if it can. */
export function obstacleTo(
  { certificates, trusts, endpointCertificate }: ListenerMaterial,
  sources: Sources,
): string | undefined {
  const isPresent = (name: string): boolean => sources.certificates.has(name);
  if (certificates.length > 0 && !certificates.some(isPresent)) {
    return `none of its certificates can be used: ${certificates.join(", ")}`;
  }
  if (endpointCertificate !== undefined && !isPresent(endpointCertificate)) {
    return `its certificate for endpoints cannot be used: ${endpointCertificate}`;
  }
  const missing = trusts.find(({ key }) => !sources.trusts.has(key));
  return missing === undefined ? undefined : `${missing.what} cannot be used`;
}
