/** What one worker needs, compiled from a document revision: resolved, immutable, numbered. JSON values only. */
import type { Balance } from "./profile.ts";
import {
  socketAddressOf,
  type CertificateName,
  type ListenerName,
  type MaterialId,
  type VnicName,
} from "./names.ts";
import type { ClientAuthMode, ResolvedPolicy } from "./policy.ts";
import type { KeyType, SigningFacts } from "./certificate.ts";

/** What travels once and is named by its SHA-256 ever after. */
export type Material =
  | { readonly kind: "certificate"; readonly chainPem: string; readonly keyPem: string }
  | { readonly kind: "trust"; readonly caPem: string; readonly crlPem: string | undefined };

export interface SnapshotCertificate extends SigningFacts {
  readonly name: CertificateName;
  readonly material: MaterialId;
  /** Names it covers, lower case, wildcards as they stand in it. */
  readonly names: readonly string[];
  readonly keyType: KeyType;
  readonly notAfterMs: number;
}

/** `server` is the name that operators know; a unix endpoint has no port. */
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
  /** Absent when mode is `none`. */
  readonly trust: MaterialId | undefined;
}

export interface SnapshotEndpointTls {
  readonly verify: boolean;
  /** The name that is asked for and verified. */
  readonly serverName: string | undefined;
  /** Absent only where nothing is verified. */
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
  /** Hash of listener, policy, CA set and CRL. A session resumes only where this is equal. */
  readonly sessionScope: string;
  readonly endpoints: readonly SnapshotEndpoint[];
  readonly standby: readonly SnapshotEndpoint[];
  readonly balance: Balance;
  readonly proxyProtocol: "none" | "v1" | "v2";
  readonly acceptProxyProtocol: readonly string[];
  /** CIDRs of the clients that are allowed; of an egress listener with the profile's servers. Absent if every client is. */
  readonly allowFrom: readonly string[] | undefined;
  /** CIDRs of the clients that are not allowed. They win over `allowFrom`. */
  readonly denyFrom: readonly string[];
  readonly endpointTls: SnapshotEndpointTls | undefined;
  readonly timeouts: SnapshotTimeouts;
  readonly accessLog: "off" | "sampled" | "full";
  /** redirect: the port in the Location. */
  readonly redirectPort: number | undefined;
}

/** One worker's share of what the vNIC may use. */
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
  /** One worker's share. */
  readonly maxConnections: number;
  readonly relayMemoryBytes: number;
}

/** Every material id that the snapshot's listeners refer to. */
export function materialIdsOf(listeners: Iterable<SnapshotListener>): Set<MaterialId> {
  const ids = new Set<MaterialId>();
  for (const { certificates, clientAuth, endpointTls } of listeners) {
    for (const { material } of certificates) ids.add(material);
    for (const id of [clientAuth.trust, endpointTls?.trust, endpointTls?.certificate])
      if (id !== undefined) ids.add(id);
  }
  return ids;
}

/** How an endpoint is called in messages, metrics and logs. */
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
