/**
 * The snapshot that one worker serves, compiled from a revision of the document. It is resolved, immutable and
 * numbered. The message `prepare` carries its parts, which consist of JSON values.
 */
import type { Balance } from "../document/profile.ts";
import type { ListenerMode } from "../listener-mode.ts";
import {
  profileOfVnic,
  socketAddressOf,
  type CertificateName,
  type ListenerName,
  type MaterialId,
  type VnicName,
} from "../names.ts";
import type { ClientAuthMode, ResolvedPolicy } from "../document/policy.ts";
import type { KeyType, SigningFacts } from "../document/certificate.ts";
import type { SnapshotEgressListener } from "./modes/egress.ts";
import type { SnapshotHttpListener } from "./modes/http.ts";
import type { SnapshotRedirectListener } from "./modes/redirect.ts";
import type { SnapshotTcpListener } from "./modes/tcp.ts";

/** What is sent to a worker once. Later messages refer to it by its SHA-256. */
export type Material =
  | { readonly kind: "certificate"; readonly chainPem: string; readonly keyPem: string }
  | { readonly kind: "trust"; readonly caPem: string; readonly crlPem: string | undefined }
  | NameShard;

/** Some of the entries by server name of a listener. */
export interface NameShard {
  readonly kind: "names";
  readonly entries: readonly SnapshotName[];
}

/** What is absent is that of the listener. */
export interface SnapshotName {
  /** In normal form, or a wildcard. */
  readonly name: string;
  readonly certificates?: readonly CertificateName[];
  /** A key of `SnapshotNames.policies`. */
  readonly policy?: string;
  /** A key of `SnapshotNames.routes`. */
  readonly route?: string;
}

/** Binds the name of a certificate to one version. Listeners refer to the name, so a rotation replaces only this. */
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
      /** Its share of the connections. It gets no new ones if it is 0. */
      readonly weight: number;
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
  readonly certificate: CertificateName | undefined;
}

export interface SnapshotTimeouts {
  readonly handshakeMs: number;
  readonly connectMs: number;
  readonly idleMs: number;
  readonly halfClosedMs: number;
}

/** The properties of listeners of every mode. */
export interface SnapshotListenerBase<Mode extends ListenerMode> {
  readonly name: ListenerName;
  readonly vnic: VnicName;
  readonly virtualIp: string;
  readonly port: number;
  readonly mode: Mode;
  /** CIDRs of the allowed clients, including the profile's servers on an egress listener. Undefined if all are allowed. */
  readonly allowFrom: readonly string[] | undefined;
  /** CIDRs of the clients that are not allowed. They take precedence over `allowFrom`. */
  readonly denyFrom: readonly string[];
  readonly timeouts: SnapshotTimeouts;
  readonly accessLog: "off" | "sampled" | "full";
}

/** The properties of listeners whose clients may connect through a proxy. */
export interface SnapshotProxied {
  readonly acceptProxyProtocol: readonly string[];
}

/** The properties of listeners that use TLS with clients or with endpoints. */
export interface SnapshotTls {
  readonly policy: ResolvedPolicy;
  /** Hash of listener, policy, CA set and CRL. A session resumes only in the same scope. */
  readonly sessionScope: string;
}

/** A policy for clients. */
export interface SnapshotClientPolicy extends SnapshotTls {
  readonly clientAuth: SnapshotClientAuth;
}

/** The properties of listeners that terminate the TLS of clients. */
export interface SnapshotClientTls extends SnapshotClientPolicy {
  /** In the order of the document. A name that has no version in the snapshot is not presented. */
  readonly certificates: readonly CertificateName[];
  readonly strictServerName: boolean;
}

/** Endpoints, and how one of them is chosen. */
export interface SnapshotRoute {
  readonly endpoints: readonly SnapshotEndpoint[];
  readonly standby: readonly SnapshotEndpoint[];
  readonly balance: Balance;
  /** The name of the settings of their health check. Equal settings have the same name. Absent if nothing is checked. */
  readonly check?: string;
}

/** The properties of listeners that use endpoints. */
export interface SnapshotEndpoints extends SnapshotTls, SnapshotRoute {
  readonly endpointTls: SnapshotEndpointTls | undefined;
}

/** A route that a listener has for some server names. */
export interface SnapshotNameRoute extends SnapshotRoute {
  /** The profile to which the servers belong. */
  readonly profile: string;
}

/**
 * What a listener does for clients of certain server names. A listener can have 10,000 entries, so they are in shards, and a change of
 * one entry sends one shard.
 */
export interface SnapshotNames {
  /** The SHA-256 of each shard, by `shardOfName`. Their number is a power of two. */
  readonly shards: readonly MaterialId[];
  readonly policies: Readonly<Record<string, SnapshotClientPolicy>>;
  readonly routes: Readonly<Record<string, SnapshotNameRoute>>;
  /** The certificates of the entries that name some, each once. */
  readonly certificates: readonly CertificateName[];
}

/** The properties of listeners that can have entries by server name. */
export interface SnapshotNamed {
  readonly names?: SnapshotNames;
}

/** Returns the routes of a listener: its own, and those of its names. */
export const routesOfEndpoints = (
  listener: SnapshotRoute & SnapshotNamed & { readonly vnic: VnicName },
): readonly SnapshotNameRoute[] => {
  const { endpoints, standby, balance, check, vnic, names } = listener;
  const profile = profileOfVnic(vnic);
  const own = { profile, endpoints, standby, balance, ...(check === undefined ? {} : { check }) };
  return [own, ...Object.values(names?.routes ?? {})];
};

/** Returns the policies of clients of a listener: its own, and those of its names. */
export const policiesOfClients = (
  listener: SnapshotClientPolicy & SnapshotNamed,
): readonly SnapshotClientPolicy[] => [listener, ...Object.values(listener.names?.policies ?? {})];

export type ProxyProtocol = "none" | "v1" | "v2";

export type SnapshotListenerOf<Mode extends ListenerMode> = SnapshotListeners[Mode];
export type SnapshotListener = SnapshotListenerOf<ListenerMode>;

interface SnapshotListeners {
  readonly tcp: SnapshotTcpListener;
  readonly http: SnapshotHttpListener;
  readonly redirect: SnapshotRedirectListener;
  readonly egress: SnapshotEgressListener;
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
  /** The certificates that the listeners refer to and that have a version. */
  readonly certificates: ReadonlyMap<CertificateName, SnapshotCertificate>;
  readonly vnics: readonly SnapshotVnic[];
  /** Virtual IPs on which a worker opens no listening socket, because this machine does not have them. It keeps those that are open. */
  readonly absentIps: readonly string[];
  /** The share of one worker. */
  readonly maxConnections: number;
  readonly relayMemoryBytes: number;
}

export const defined = <Value>(values: readonly (Value | undefined)[]): readonly Value[] =>
  values.filter((value) => value !== undefined);

/** Returns the name of the certificate that is presented to endpoints, or no name. */
export const certificateNamesOfEndpoints = ({
  endpointTls,
}: SnapshotEndpoints): readonly CertificateName[] => defined([endpointTls?.certificate]);

/** Returns the ids of the CA sets that endpoints are verified with. */
export const trustIdsOfEndpoints = ({ endpointTls }: SnapshotEndpoints): readonly MaterialId[] =>
  defined([endpointTls?.trust]);

/**
 * Returns the key under which workers are told that an endpoint is down. `check` is part of it, because an endpoint that fails
 * one check can pass another.
 */
export const checkedKeyOf = (check: string, endpointKey: string): string =>
  `${check} ${endpointKey}`;

/** Whether the document lets the endpoint get new connections. */
export const mayGetConnections = (endpoint: SnapshotEndpoint): boolean =>
  endpoint.kind !== "tcp" || endpoint.weight > 0;

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
