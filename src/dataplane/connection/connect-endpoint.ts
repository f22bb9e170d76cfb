import { isEndpointsFault, type EndpointFailure } from "#model/records/outcome.ts";
import type { SnapshotEndpoint } from "#model/records/snapshot.ts";
import { EndpointLease } from "../endpoint/endpoint-lease.ts";
import type { Candidate } from "../endpoint/endpoint-set.ts";
import type { EndpointRules } from "../listener-rules.ts";
import { histogramSlots, slotOf, slotsByLabel } from "../observe/counters.ts";
import type { ConnectTarget } from "../wire/wire.ts";
import { announceClient } from "./announce-client.ts";
import { countSilentEnd } from "./certificate-failure.ts";
import type { EndpointConnection } from "./connection-state.ts";
import { endConnection, outcomeOfBreak } from "./finish.ts";

const CONNECTS = slotOf("tlsd_endpoint_connects_total");
const FAILED_SLOTS = slotsByLabel("tlsd_endpoint_connects_failed_total");
const CONNECT_SECONDS = histogramSlots("tlsd_endpoint_connect_seconds");

/**
 * `superseded` means that the rules of the listener changed while the socket connected, or that they do not have the endpoint
 * any more. None of the client's bytes have been sent on it.
 */
type Attempt = EndpointLease | EndpointFailure | "superseded";

/**
 * Connects to the first endpoint that accepts the connection, including TLS and the PROXY header. A failed attempt is
 * followed by the next endpoint. This is safe because no endpoint has received any of the client's bytes yet. Each
 * attempt uses the newest endpoints and TLS settings of the listener. Resolves with undefined if the connection has
 * ended.
 */
export async function connectEndpoint(
  connection: EndpointConnection,
): Promise<EndpointLease | undefined> {
  const { client, listener, plane } = connection;
  client.handler = {
    onOpen() {},
    onData() {},
    onDrain() {},
    onEnd() {},
    onClose(failure) {
      countSilentEnd(connection, failure);
      endConnection(connection, outcomeOfBreak(true, failure));
    },
  };
  const startedMs = plane.clock.nowMs();
  plane.connections.addWaiting(connection, startedMs);
  connection.endpointFailure = "none-configured";
  const failedKeys: string[] = [];
  let { rules } = connection;
  let { isOnStandby } = rules.endpoints;
  let candidates = rules.endpoints.inOrder(connection.clientAddress, startedMs);
  for (let at = 0; at < candidates.length; at += 1) {
    const candidate = candidates[at];
    if (candidate === undefined || failedKeys.includes(candidate.key)) continue;
    // The attempts are sequential. The next endpoint is tried only after this one has failed.
    // oxlint-disable-next-line no-await-in-loop
    const attempt = await tryEndpoint(connection, rules, candidate);
    if (connection.isOver) return undefined;
    if (attempt instanceof EndpointLease) {
      attempt.open();
      plane.connections.deleteWaiting(connection);
      connection.endpointFailure = undefined;
      connection.announced = undefined;
      connection.connectMs = connection.elapsedMs();
      listener.counters.add(CONNECTS);
      listener.counters.observeMs(CONNECT_SECONDS, plane.clock.nowMs() - startedMs);
      return attempt;
    }
    connection.lease?.release();
    connection.lease = undefined;
    if (attempt !== "superseded") {
      failedKeys.push(candidate.key);
      connection.endpointFailure = attempt;
      listener.counters.add(FAILED_SLOTS[attempt]);
      candidate.figures.failed(attempt);
      if (isEndpointsFault(attempt))
        candidate.health.failed(plane.clock.nowMs(), attempt === "timeout");
    }
    if (connection.rules === rules && rules.endpoints.isOnStandby === isOnStandby) continue;
    ({ rules } = connection);
    ({ isOnStandby } = rules.endpoints);
    candidates = rules.endpoints.inOrder(connection.clientAddress, plane.clock.nowMs());
    at = -1;
  }
  endConnection(connection, "endpoint-failed");
  return undefined;
}

/**
 * The connection holds the lease from the start of the attempt, so that the end of the connection closes a socket that
 * is still connecting.
 */
async function tryEndpoint(
  connection: EndpointConnection,
  rules: EndpointRules,
  candidate: Candidate,
): Promise<Attempt> {
  const { plane } = connection;
  const { endpoint, health } = candidate;
  const { endpointTls, timeouts } = rules.spec;
  if (!health.mayConnect()) return "busy";
  const target = targetOf(endpoint, endpointTls !== undefined);
  const lease = new EndpointLease(candidate, plane.wire, target);
  connection.lease = lease;
  connection.server = endpoint.server;
  connection.setDeadline(timeouts.connectMs, lease);
  const failure = await lease.untilConnected();
  if (lease.isAbandoned) return "superseded";
  if (failure !== undefined) return failure;
  if (connection.isOver) return lease;
  if (connection.rules !== rules) {
    lease.socket.destroy();
    return "superseded";
  }
  announceClient(connection, lease.socket);
  if (endpointTls === undefined) return lease;
  const context = plane.contexts.forEndpoints(rules.spec, rules.endpointCertificate);
  if (context === undefined) return lease;
  const serverName =
    endpointTls.serverName ?? ("address" in endpoint ? endpoint.address : endpoint.server);
  const { verify } = endpointTls;
  const tlsFailure = await lease.startTls(plane.wire, { context, verify, serverName });
  return lease.isAbandoned ? "superseded" : (tlsFailure ?? lease);
}

function targetOf(endpoint: SnapshotEndpoint, isTlsNext: boolean): ConnectTarget {
  switch (endpoint.kind) {
    case "tcp":
      return { host: endpoint.address, port: endpoint.port, isTlsNext };
    case "remote":
      return { host: endpoint.host, port: endpoint.port, isTlsNext };
    case "unix":
      return { path: endpoint.path, isTlsNext };
    default:
      return endpoint satisfies never;
  }
}
