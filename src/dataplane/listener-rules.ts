/** The immutable rules of a listener in one snapshot. The rules of a mode combine these parts. */
import { parseCidr, type Cidr } from "#model/addresses/cidr.ts";
import type { MaterialId } from "#model/names.ts";
import type {
  ProxyProtocol,
  SnapshotClientTls,
  SnapshotEndpoints,
  SnapshotListener,
} from "#model/records/snapshot.ts";
import type { EndpointHealths } from "./endpoint/endpoint-health.ts";
import { EndpointSet } from "./endpoint/endpoint-set.ts";
import type { Steps } from "./live/in-slices.ts";
import { CertificateIndex, type CertificateBindings } from "./tls/certificate-index.ts";

/** What rules are built from besides the listener of the snapshot. */
export interface RuleParts {
  readonly healths: EndpointHealths;
  /** All certificates of the snapshot. */
  readonly certificates: CertificateBindings;
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
export interface ClientTlsRules extends ListenerRules<SnapshotListener & SnapshotClientTls> {
  readonly certificates: CertificateIndex;
  /** The protocols in the wire format of RFC 7301. Undefined if ALPN is not answered. */
  readonly alpn: Buffer | undefined;
  /** What connections keep about their clients beyond the handshake, because endpoints are told. Absent if they keep nothing. */
  readonly keeps?: { readonly ja4: boolean; readonly certificate: boolean };
}

/** Returns undefined if the listener does not terminate the TLS of clients. */
export const tryClientTlsRules = (rules: ListenerRules): ClientTlsRules | undefined =>
  "certificates" in rules && rules.certificates instanceof CertificateIndex
    ? (rules as ClientTlsRules)
    : undefined;

/** The rules of listeners that use endpoints. */
export interface EndpointRules extends ListenerRules<SnapshotListener & SnapshotEndpoints> {
  readonly endpoints: EndpointSet;
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
  spec: SnapshotClientTls,
  { certificates }: RuleParts,
): Steps<Pick<ClientTlsRules, "certificates" | "alpn">> {
  return {
    certificates: yield* CertificateIndex.build(spec, certificates),
    alpn: alpnOf(spec.policy.alpn),
  };
}

export function buildEndpointRules(
  spec: SnapshotEndpoints & Pick<SnapshotListener, "vnic">,
  { healths, certificates }: RuleParts,
): Pick<EndpointRules, "endpoints" | "endpointCertificate"> {
  const { endpoints, standby, balance, vnic, check } = spec;
  return {
    endpoints: new EndpointSet(endpoints, standby, balance, healths, vnic, check),
    ...bindEndpoints(spec, certificates),
  };
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

const alpnOf = (protocols: readonly string[]): Buffer | undefined =>
  protocols.length === 0
    ? undefined
    : Buffer.concat(
        protocols.map((name) =>
          Buffer.from(`${String.fromCharCode(name.length)}${name}`, "latin1"),
        ),
      );
