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

const NOTHING = Buffer.alloc(0);

/** What is known about a failure in addition to its name. */
export interface FailureDetail {
  readonly limit?: OverLimit;
  readonly alert?: string;
  readonly detail?: string;
  /** The final message to the client before the connection closes. */
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

/** Ends a health check of a proxy. A health check is not a failure and does not count as a handshake. */
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

/** Ends a connection before it is served, for a cause that can occur in every mode. */
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

/** Returns false if the connection has already ended, or if it is a health check, which this function ends. */
function beginEnd(connection: ConnectionState, failure: HandshakeFailure): boolean {
  if (connection.isOver) return false;
  connection.isOver = true;
  if (!connection.isProbe || failure === "internal") return true;
  endProbe(connection);
  return false;
}

/** Ends a connection that was never open, and records why. The caller has counted the cause. */
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

/** Returns the outcome of a connection that one side broke off. The engine does not always report a cause. */
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

/** Outcomes in which the client broke off. The endpoint must not take the data so far for the whole request. */
const CLIENT_BROKE_OFF: ReadonlySet<ConnectionOutcome> = new Set<ConnectionOutcome>([
  "client-reset",
  "client-tls-error",
]);

/**
 * Outcomes in which the endpoint broke off. The client was sent everything that the endpoint sent, or had time to read
 * it.
 */
const ENDPOINT_BROKE_OFF: ReadonlySet<ConnectionOutcome> = new Set<ConnectionOutcome>([
  "endpoint-reset",
  "endpoint-tls-error",
]);

/** Without TLS, only RST tells the client that data is missing. With TLS, a close without close_notify does. */
function closeClient(
  { client, tls, bytesToClient }: ConnectionState,
  outcome: ConnectionOutcome,
): void {
  const isAllSent = ENDPOINT_BROKE_OFF.has(outcome)
    ? tls !== undefined && bytesToClient > 0 && client.queuedBytes === 0
    : client.hasFinished;
  // The client may still be reading data that is in the kernel's buffers. RST would discard it.
  if (isAllSent) client.destroy();
  else client.reset();
}

function closeEndpoint(socket: WireSocket | undefined, outcome: ConnectionOutcome): void {
  if (socket?.hasFinished === true && !CLIENT_BROKE_OFF.has(outcome)) socket.destroy();
  else socket?.reset();
}

/**
 * Ends an open connection: closes its remaining sockets, counts it and records it. No other function does. If there is
 * a farewell, it is sent to the client before its socket is closed.
 */
export function endConnection(
  connection: ConnectionState,
  outcome: ConnectionOutcome,
  farewell?: Uint8Array,
): void {
  if (connection.isOver) return;
  connection.isOver = true;
  connection.ended = outcome;
  const { listener, lease } = connection;
  const durationMs = connection.elapsedMs();
  listener.counters.add(ENDED_SLOTS[outcome]);
  connection.countBytes();
  listener.counters.observeMs(CONNECTION_SECONDS, durationMs);
  if (farewell === undefined) closeClient(connection, outcome);
  else sayFarewell(connection.plane, connection.client, farewell);
  closeEndpoint(lease?.socket, outcome);
  // Connections without a usable endpoint are always recorded, because no other log line says why these clients fail.
  connection.onEnded?.();
  if ((connection.isLogged && connection.hasOwnLine) || outcome === "endpoint-failed") {
    connection.plane.recorder.connectionEnded(connectionRecordOf(connection, outcome, durationMs));
  }
  lease?.release();
  release(connection);
}

/**
 * Ends a connection in any stage. `internal` means that a stage has thrown. A client that waits for no answer gets the end of the
 * connection in order, because a reset would tell it that something is lost.
 */
export function cutConnection(
  connection: ConnectionState,
  why: "drained" | "cut-by-operator" | "internal",
): void {
  if (!connection.isOpen) refuseConnection(connection, why);
  else if (!connection.isIdle || why === "internal") endConnection(connection, why);
  else {
    const { handler } = connection.client;
    endConnection(connection, why, NOTHING);
    // The farewell has taken its place, and what it holds for the next request is still to be released.
    handler.onClose(undefined);
  }
}

/** Ends a connection that waits for its endpoint, to make room for a new connection. */
export function giveUpWaiting(connection: EndpointConnection): void {
  connection.endpointFailure = "busy";
  connection.listener.counters.add(CONNECT_FAILED_SLOTS.busy);
  endConnection(connection, "endpoint-failed");
}
