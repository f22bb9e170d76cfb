/** What one worker needs, compiled from a document revision: resolved, immutable, numbered. JSON values only. */
import type { Balance } from "../document/profile.ts";
import {
  socketAddressOf,
  type CertificateName,
  type ListenerName,
  type MaterialId,
  type VnicName,
} from "../names.ts";
import type { ClientAuthMode, ResolvedPolicy } from "../document/policy.ts";
import type { KeyType, SigningFacts } from "../document/certificate.ts";

/** PEM text that is sent to a worker once. Later messages refer to it by its SHA-256. */
export type Material =
  | { readonly kind: "certificate"; readonly chainPem: string; readonly keyPem: string }
  | { readonly kind: "trust"; readonly caPem: string; readonly crlPem: string | undefined };

export interface SnapshotCertificate extends SigningFacts {
  readonly name: CertificateName;
  readonly material: MaterialId;
  /** The names that the certificate covers, in lower case, including wildcards. */
  readonly names: readonly string[];
  readonly keyType: KeyType;
  readonly notAfterMs: number;
}

/** `server` is the name of the server in the document. A unix endpoint has no port. */
export type SnapshotEndpoint =
  | {
      readonly kind: "tcp";
      readonly server: string;
      readonly address: string;
      readonly port: number;
    }
  | { readonly kind: "unix"; readonly server: string; readonly path: string }
  | {
      readonly kind: "remote";
      readonly server: string;
      readonly host: string;
      readonly port: number;
    };

export interface SnapshotClientAuth {
  readonly mode: ClientAuthMode;
  /** Undefined if the mode is `none`. */
  readonly trust: MaterialId | undefined;
  /** Whether a chain may end in any certificate of the trust, and not only in a self-signed root. */
  readonly partialChain: boolean;
}

export interface SnapshotEndpointTls {
  readonly verify: boolean;
  /** The server name that is sent and verified. */
  readonly serverName: string | undefined;
  /** Undefined if nothing is verified. */
  readonly trust: MaterialId | undefined;
  readonly certificate: MaterialId | undefined;
}

export interface SnapshotTimeouts {
  readonly handshakeMs: number;
  readonly connectMs: number;
  readonly idleMs: number;
  readonly halfClosedMs: number;
}

export interface SnapshotListener {
  readonly name: ListenerName;
  readonly vnic: VnicName;
  readonly virtualIp: string;
  readonly port: number;
  readonly mode: "tcp" | "redirect" | "egress";
  readonly certificates: readonly SnapshotCertificate[];
  readonly strictServerName: boolean;
  readonly policy: ResolvedPolicy;
  readonly clientAuth: SnapshotClientAuth;
  /** Hash of listener, policy, CA set, CRL and trust anchors. A session resumes only in the same scope. */
  readonly sessionScope: string;
  readonly endpoints: readonly SnapshotEndpoint[];
  readonly standby: readonly SnapshotEndpoint[];
  readonly balance: Balance;
  readonly proxyProtocol: "none" | "v1" | "v2";
  readonly acceptProxyProtocol: readonly string[];
  /** CIDRs of the allowed clients, including the profile's servers on an egress listener. Undefined if all are allowed. */
  readonly allowFrom: readonly string[] | undefined;
  /** CIDRs of the clients that are not allowed. They win over `allowFrom`. */
  readonly denyFrom: readonly string[];
  readonly endpointTls: SnapshotEndpointTls | undefined;
  readonly timeouts: SnapshotTimeouts;
  readonly accessLog: "off" | "sampled" | "full";
  /** Mode redirect: the port in the Location header. */
  readonly redirectPort: number | undefined;
}

/** One worker's share of the limits of a vNIC. */
export interface SnapshotVnic {
  readonly name: VnicName;
  readonly maxConnections: number | undefined;
  readonly handshakesPerSecond: number | undefined;
  readonly handshakesPerSecondPerAddress: number | undefined;
}

export interface Snapshot {
  readonly number: number;
  readonly listeners: readonly SnapshotListener[];
  readonly vnics: readonly SnapshotVnic[];
  /** The share of one worker. */
  readonly maxConnections: number;
  readonly relayMemoryBytes: number;
}

/** Returns the id of each material that the listeners refer to. */
export function materialIdsOf(listeners: Iterable<SnapshotListener>): Set<MaterialId> {
  const ids = new Set<MaterialId>();
  for (const { certificates, clientAuth, endpointTls } of listeners) {
    for (const { material } of certificates) ids.add(material);
    for (const id of [clientAuth.trust, endpointTls?.trust, endpointTls?.certificate])
      if (id !== undefined) ids.add(id);
  }
  return ids;
}

/** Returns the name of an endpoint in messages, metrics and logs. */
export function endpointKeyOf(endpoint: SnapshotEndpoint): string {
  switch (endpoint.kind) {
    case "tcp":
      return socketAddressOf(endpoint.address, endpoint.port);
    case "remote":
      return socketAddressOf(endpoint.host, endpoint.port);
    case "unix":
      return `unix:${endpoint.path}`;
    default:
      return endpoint satisfies never;
  }
}
