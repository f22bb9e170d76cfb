/** Builds the record of a connection that has ended: a failed handshake or an access line. */
import type { ConnectionRecord } from "#model/records/connection-record.ts";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import type { ConnectionOutcome, HandshakeFailure, OverLimit } from "#model/records/outcome.ts";
import { endpointKeyOf } from "#model/records/snapshot.ts";
import type { EndpointLease } from "../endpoint/endpoint-lease.ts";
import { versionName } from "../tls/tls-names.ts";
import type { ConnectionState } from "./connection-state.ts";

/** A ClientHello can list 127 versions (RFC 8446 section 4.2.1). The record holds fewer. */
const MAX_RECORDED_VERSIONS = 100;
/** A ClientHello can list kilobytes of protocols. A record with all of them would displace others in a flood. */
const MAX_RECORDED_ALPN_CHARACTERS = 1_024;

/** TypeScript does not check that the keys of a spread belong to the record, so the type of this function does. */
const optional = <Key extends keyof ConnectionRecord | keyof HandshakeRecord, Value>(
  key: Key,
  value: Value | undefined,
): { readonly [K in Key]?: Value } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [K in Key]?: Value };

/** The clock returns more digits than its resolution. */
const toMicroseconds = (ms: number): number => Math.round(ms * 1000) / 1000;

export function handshakeRecordOf(
  connection: ConnectionState,
  failure: HandshakeFailure,
  rest: { readonly limit?: OverLimit; readonly alert?: string; readonly detail?: string },
): HandshakeRecord {
  const { hello } = connection;
  return {
    atMs: connection.atMs,
    listener: connection.rules.spec.name,
    failure,
    ...optional("limit", rest.limit),
    ...optional("alert", rest.alert),
    ...optional("detail", rest.detail),
    clientAddress: connection.clientAddress,
    clientPort: connection.clientPort,
    ...optional("proxyAddress", connection.proxyAddress),
    ...optional("serverName", connection.serverName),
    ...optional("alpn", hello?.alpn && recordedAlpnOf(hello.alpn)),
    ...optional(
      "offeredVersions",
      hello?.versions.slice(0, MAX_RECORDED_VERSIONS).map(versionName),
    ),
    durationMs: toMicroseconds(connection.elapsedMs()),
  };
}

function recordedAlpnOf(alpn: readonly string[]): readonly string[] {
  let characters = 0;
  return alpn.filter((protocol) => {
    characters += protocol.length;
    return characters <= MAX_RECORDED_ALPN_CHARACTERS;
  });
}

/** Must be called before the lease is released, because only an open lease names the endpoint. */
export function connectionRecordOf(
  connection: ConnectionState,
  outcome: ConnectionOutcome,
  durationMs: number,
): ConnectionRecord {
  const { rules, tls, peerCertificate, lease } = connection;
  return {
    id: connection.id,
    atMs: connection.atMs,
    listener: rules.spec.name,
    clientAddress: connection.clientAddress,
    clientPort: connection.clientPort,
    ...optional("proxyAddress", connection.proxyAddress),
    ...optional("uniqueId", connection.uniqueId),
    virtualIp: rules.spec.virtualIp,
    ...optional("serverName", connection.serverName),
    ...optional("tlsVersion", tls?.version),
    ...optional("cipherSuite", tls?.cipherSuite),
    ...optional("group", connection.group),
    ...optional("alpn", tls?.alpn),
    ...optional("resumed", tls?.isResumed),
    ...optional("clientCertificate", peerCertificate?.commonName ?? peerCertificate?.subject),
    ...optional("endpoint", lease?.isOpen === true ? endpointTextOf(lease) : undefined),
    ...optional("server", connection.server),
    ...optional("endpointFailure", connection.endpointFailure),
    handshakeMs: toMicroseconds(connection.handshakeMs),
    connectMs: toMicroseconds(connection.connectMs),
    firstByteMs: toMicroseconds(connection.firstByteMs),
    durationMs: toMicroseconds(durationMs),
    bytesFromClient: connection.bytesFromClient,
    bytesToClient: connection.bytesToClient,
    outcome,
  };
}

const endpointTextOf = ({ candidate: { endpoint } }: EndpointLease): string =>
  `${endpoint.server} ${endpointKeyOf(endpoint)}`;
