/** The immutable rules of a listener in one snapshot. The rules of a mode combine these parts. */
import { parseCidr, type Cidr } from "#model/addresses/cidr.ts";
import type { CertificateName, MaterialId } from "#model/names.ts";
import type {
  Material,
  ProxyProtocol,
  SnapshotClientTls,
  SnapshotEndpoints,
  SnapshotListener,
  SnapshotNamed,
} from "#model/records/snapshot.ts";
import type { EndpointHealths } from "./endpoint/endpoint-health.ts";
import type { EndpointSet } from "./endpoint/endpoint-set.ts";
import { Routes } from "./endpoint/routes.ts";
import type { Steps } from "./live/in-slices.ts";
import type { CertificateBindings } from "./tls/certificate-index.ts";
import type { ContextStore } from "./tls/context-store.ts";
import { NameRules } from "./tls/name-rules.ts";
import { NameTable } from "./tls/name-table.ts";
import type { TlsIdentity } from "./tls/tls-identity.ts";

/** What rules are built from besides the listener of the snapshot. */
export interface RuleParts {
  readonly healths: EndpointHealths;
  /** All certificates of the snapshot. */
  readonly certificates: CertificateBindings;
  /** Returns undefined if the material has not arrived. */
  readonly materialOf: (id: MaterialId) => Material | undefined;
}

/** The rules that listeners of every mode have. */
export interface ListenerRules<Spec extends SnapshotListener = SnapshotListener> {
  readonly spec: Spec;
  /** Empty if no peer may send a PROXY header. */
  readonly trustedProxies: readonly Cidr[];
  /** The version of the PROXY header that is sent to endpoints. */
  readonly proxyProtocol: ProxyProtocol;
  /** Undefined if every client is allowed. */
  readonly allowFrom: readonly Cidr[] | undefined;
  readonly denyFrom: readonly Cidr[];
}

/** The rules of listeners that terminate the TLS of clients. */
export interface ClientTlsRules extends ListenerRules<
  SnapshotListener & SnapshotClientTls & SnapshotNamed
> {
  readonly names: NameRules;
  /** What connections keep about their clients beyond the handshake, because endpoints are told. Absent if they keep nothing. */
  readonly keeps?: { readonly ja4: boolean; readonly certificate: boolean };
}

/** Returns undefined if the listener does not terminate the TLS of clients. */
export const tryClientTlsRules = (rules: ListenerRules): ClientTlsRules | undefined =>
  "names" in rules && rules.names instanceof NameRules ? (rules as ClientTlsRules) : undefined;

/** The rules of listeners that use endpoints. */
export interface EndpointRules extends ListenerRules<SnapshotListener & SnapshotEndpoints> {
  /** Those of clients whose server name has no route. */
  readonly endpoints: EndpointSet;
  readonly routes: Routes;
  /** The version of the certificate that is presented to endpoints. Undefined if none is. */
  readonly endpointCertificate: MaterialId | undefined;
}

interface ProxyOptions {
  readonly acceptProxyProtocol?: readonly string[];
  readonly proxyProtocol?: ProxyProtocol;
}

export const buildListenerRules = <Spec extends SnapshotListener>(
  spec: Spec,
  { acceptProxyProtocol = [], proxyProtocol = "none" }: ProxyOptions,
): ListenerRules<Spec> => ({
  spec,
  trustedProxies: acceptProxyProtocol.map(parseCidr),
  proxyProtocol,
  allowFrom: spec.allowFrom?.map(parseCidr),
  denyFrom: spec.denyFrom.map(parseCidr),
});

export function* buildClientTlsRules(
  spec: SnapshotClientTls & SnapshotNamed,
  { certificates, materialOf }: RuleParts,
): Steps<Pick<ClientTlsRules, "names">> {
  const table = yield* NameTable.build(spec.names, materialOf);
  return { names: yield* NameRules.build(spec, table, certificates) };
}

/** Builds TLS contexts for clients one at a time. `names` is as for `buildContexts` of a mode. */
export function* buildClientContexts(
  { spec, names }: ClientTlsRules,
  contexts: ContextStore,
  changed?: ReadonlySet<CertificateName>,
): Steps<void> {
  const build = ({ certificates, spec: own, keptFor }: TlsIdentity, name: CertificateName) => {
    const certificate = certificates.versionOf(name);
    if (certificate !== undefined) contexts.forClients(own, certificate.material, keptFor);
  };
  for (const identity of names.identitiesOfNames(changed)) {
    for (const name of identity.spec.certificates) {
      if (identity.certificates.versionOf(name) === undefined || changed?.has(name) === false)
        continue;
      build(identity, name);
      yield;
      // A policy is tried with one certificate of the listener, because those are all tried below.
      if (identity.spec.certificates === spec.certificates) break;
    }
  }
  for (const name of changed ?? spec.certificates) {
    build(names.ofListener, name);
    yield;
  }
}

/** `table` has the routes of server names. */
export function buildEndpointRules(
  spec: SnapshotEndpoints & SnapshotNamed & Pick<SnapshotListener, "vnic">,
  { healths, certificates }: RuleParts,
  table = NameTable.EMPTY,
): Pick<EndpointRules, "endpoints" | "routes" | "endpointCertificate"> {
  const routes = new Routes(spec, table, healths);
  return { endpoints: routes.ofListener, routes, ...bindEndpoints(spec, certificates) };
}

/** Throws a TypeError if the certificate that is presented to endpoints is not in the snapshot. */
export function bindEndpoints(
  { endpointTls }: SnapshotEndpoints,
  certificates: CertificateBindings,
): Pick<EndpointRules, "endpointCertificate"> {
  const name = endpointTls?.certificate;
  if (name === undefined) return { endpointCertificate: undefined };
  const binding = certificates.get(name);
  if (binding === undefined) throw new TypeError(`Certificate ${name} is not in the snapshot.`);
  return { endpointCertificate: binding.material };
}
