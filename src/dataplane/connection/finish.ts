import type {
  ConnectionOutcome,
  HandshakeFailure,
  OverLimit,
  RefusalCause,
  TlsHandshakeFailure,
} from "#model/records/outcome.ts";
import { histogramSlots, slotOf, slotsByLabel } from "../observe/counters.ts";
import type { WireFailure, WireSocket } from "../wire/wire.ts";
import type { ConnectionState, EndpointConnection, TlsConnection } from "./connection-state.ts";
import { sayFarewell } from "./farewell.ts";
import { connectionRecordOf, handshakeRecordOf } from "./records.ts";

const FAILED_SLOTS = slotsByLabel("tlsd_handshakes_failed_total");
const LIMITED_SLOTS = slotsByLabel("tlsd_connections_limited_total");
const ENDED_SLOTS = slotsByLabel("tlsd_connections_ended_total");
const PROBES = slotOf("tlsd_proxy_probes_total");
const CONNECT_FAILED_SLOTS = slotsByLabel("tlsd_endpoint_connects_failed_total");
const CONNECTION_SECONDS = histogramSlots("tlsd_connection_seconds");

/** What is known of a failure beyond its name. */
export interface FailureDetail {
  readonly limit?: OverLimit;
  readonly alert?: string;
  readonly detail?: string;
  /** Said to the client before the connection closes. */
  readonly farewell?: Uint8Array;
}

function release(connection: ConnectionState): void {
  const { plane, listener } = connection;
  if (!connection.isAdmitted) return;
  connection.settle();
  if (connection.openingBytes > 0) plane.openingMemory.release(connection);
  plane.deadlines.remove(connection);
  plane.connections.delete(connection);
  listener.usage.release();
  listener.counters.addOpen(-1);
}

/** Ends a health check of a proxy, which is not a failure and has used up no handshake. */
function endProbe(connection: ConnectionState): void {
  const { listener, client } = connection;
  listener.counters.add(PROBES);
  listener.usage.giveHandshakeBack();
  client.reset();
  release(connection);
}

/** Ends a connection whose TLS handshake has failed. */
export function failHandshake(
  connection: TlsConnection,
  failure: TlsHandshakeFailure,
  rest: FailureDetail = {},
): void {
  if (!beginEnd(connection, failure)) return;
  connection.listener.counters.add(FAILED_SLOTS[failure]);
  endUnserved(connection, failure, rest);
}

/** Ends a connection before it is served, for a cause that every mode has. */
export function refuseConnection(
  connection: ConnectionState,
  cause: RefusalCause,
  rest: FailureDetail = {},
): void {
  if (!beginEnd(connection, cause)) return;
  const { mode, counters } = connection.listener;
  mode.countRefusal(counters, cause);
  endUnserved(connection, cause, rest);
}

/** Returns false if the connection has ended already, or ends here as a health check. */
function beginEnd(connection: ConnectionState, failure: HandshakeFailure): boolean {
  if (connection.isOver) return false;
  connection.isOver = true;
  if (!connection.isProbe || failure === "internal") return true;
  endProbe(connection);
  return false;
}

/** Ends a connection before it was open, and records why. Its cause has been counted. */
function endUnserved(
  connection: ConnectionState,
  failure: HandshakeFailure,
  rest: FailureDetail,
): void {
  const { listener, client, plane } = connection;
  if (rest.limit !== undefined) listener.counters.add(LIMITED_SLOTS[rest.limit]);
  plane.recorder.handshakeFailed(handshakeRecordOf(connection, failure, rest));
  if (rest.farewell === undefined) client.reset();
  else sayFarewell(plane, client, rest.farewell);
  release(connection);
}

/** Names how a connection ends when one of its sides breaks off. The engine may know no cause. */
export function outcomeOfBreak(
  isClient: boolean,
  failure: WireFailure | undefined,
): ConnectionOutcome {
  switch (failure?.kind) {
    case "alert":
    case "tls":
    case "verify":
      return isClient ? "client-tls-error" : "endpoint-tls-error";
    case "reset":
    case "closed":
    case "refused":
    case "unreachable":
    case "timeout":
    case "name-not-found":
    case "no-open-files":
    case "other":
    case undefined:
      return isClient ? "client-reset" : "endpoint-reset";
    default:
      return failure satisfies never;
  }
}

/** Outcomes in which the client broke off, so that the endpoint must not take what came so far for the whole. */
const CLIENT_BROKE_OFF: ReadonlySet<ConnectionOutcome> = new Set<ConnectionOutcome>([
  "client-reset",
  "client-tls-error",
]);

/** Outcomes in which the endpoint broke off: the client has been sent what came, or has been given time to take it. */
const ENDPOINT_BROKE_OFF: ReadonlySet<ConnectionOutcome> = new Set<ConnectionOutcome>([
  "endpoint-reset",
  "endpoint-tls-error",
]);

/** Towards a client without TLS only RST says that something is missing. With TLS a close without close_notify does. */
function closeClient(
  { client, tls, bytesToClient }: ConnectionState,
  outcome: ConnectionOutcome,
): void {
  const isAllSent = ENDPOINT_BROKE_OFF.has(outcome)
    ? tls !== undefined && bytesToClient > 0 && client.queuedBytes === 0
    : client.hasFinished;
  // A client that was sent everything may still be reading it from the kernel: RST would take that back.
  if (isAllSent) client.destroy();
  else client.reset();
}

function closeEndpoint(socket: WireSocket | undefined, outcome: ConnectionOutcome): void {
  if (socket?.hasFinished === true && !CLIENT_BROKE_OFF.has(outcome)) socket.destroy();
  else socket?.reset();
}

/**
 * Ends an open connection, closes what is left of its sockets, records and counts it. The only place that does. The
 * farewell is sent to the client before its socket is closed.
 */
export function endConnection(
  connection: ConnectionState,
  outcome: ConnectionOutcome,
  farewell?: Uint8Array,
): void {
  if (connection.isOver) return;
  connection.isOver = true;
  const { listener, lease } = connection;
  const durationMs = connection.elapsedMs();
  listener.counters.add(ENDED_SLOTS[outcome]);
  connection.countBytes();
  listener.counters.observeMs(CONNECTION_SECONDS, durationMs);
  if (farewell === undefined) closeClient(connection, outcome);
  else sayFarewell(connection.plane, connection.client, farewell);
  closeEndpoint(lease?.socket, outcome);
  // An endpoint that cannot be used is told in any case: nothing else says why clients are turned away.
  if (connection.isLogged || outcome === "endpoint-failed") {
    connection.plane.recorder.connectionEnded(connectionRecordOf(connection, outcome, durationMs));
  }
  lease?.release();
  release(connection);
}

/** Ends a connection wherever it is: the drain deadline has passed, or a stage has thrown. */
export function cutConnection(connection: ConnectionState, why: "drained" | "internal"): void {
  if (connection.isOpen) endConnection(connection, why);
  else refuseConnection(connection, why);
}

/** Ends a connection that waits for its endpoint, as another needs its place. */
export function giveUpWaiting(connection: EndpointConnection): void {
  connection.endpointFailure = "busy";
  connection.listener.counters.add(CONNECT_FAILED_SLOTS.busy);
  endConnection(connection, "endpoint-failed");
}
