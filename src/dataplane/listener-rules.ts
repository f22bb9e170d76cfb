/** The immutable rules of a listener in one snapshot. The rules of a mode combine these parts. */
import { parseCidr, type Cidr } from "#model/addresses/cidr.ts";
import type {
  ProxyProtocol,
  SnapshotClientTls,
  SnapshotEndpoints,
  SnapshotListener,
} from "#model/records/snapshot.ts";
import type { EndpointHealths } from "./endpoint/endpoint-health.ts";
import { EndpointSet } from "./endpoint/endpoint-set.ts";
import { CertificateIndex } from "./tls/certificate-index.ts";

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
}

/** The rules of listeners that use endpoints. */
export interface EndpointRules extends ListenerRules<SnapshotListener & SnapshotEndpoints> {
  readonly endpoints: EndpointSet;
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

export const buildClientTlsRules = (
  spec: SnapshotClientTls,
): Pick<ClientTlsRules, "certificates" | "alpn"> => ({
  certificates: new CertificateIndex(spec.certificates, spec.policy, spec.strictServerName),
  alpn: alpnOf(spec.policy.alpn),
});

export const buildEndpointSet = (
  { endpoints, standby, balance, vnic, check }: SnapshotEndpoints & Pick<SnapshotListener, "vnic">,
  healths: EndpointHealths,
): EndpointSet => new EndpointSet(endpoints, standby, balance, healths, vnic, check);

const alpnOf = (protocols: readonly string[]): Buffer | undefined =>
  protocols.length === 0
    ? undefined
    : Buffer.concat(
        protocols.map((name) =>
          Buffer.from(`${String.fromCharCode(name.length)}${name}`, "latin1"),
        ),
      );
