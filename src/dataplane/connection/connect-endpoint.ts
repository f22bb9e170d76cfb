import type { EndpointFailure } from "#model/outcome.ts";
import type { SnapshotEndpoint } from "#model/snapshot.ts";
import type { ListenerRules } from "../build-runtime.ts";
import {
  classifyEndpointFailure,
  isEndpointsFault,
} from "../endpoint/classify-endpoint-failure.ts";
import type { Candidate } from "../endpoint/endpoint-set.ts";
import { histogramSlots, slotOf, slotsByLabel } from "../observe/counters.ts";
import type { ConnectTarget, WireHandler, WireSocket } from "../wire/wire.ts";
import { announceClient } from "./announce-client.ts";
import type { ConnectionState } from "./connection-state.ts";
import { endConnection, outcomeOfBreak } from "./finish.ts";

const CONNECTS = slotOf("tlsd_endpoint_connects_total");
const FAILED_SLOTS = slotsByLabel("tlsd_endpoint_connects_failed_total");
const CONNECT_SECONDS = histogramSlots("tlsd_endpoint_connect_seconds");

type Attempt =
  | { readonly socket: WireSocket }
  | { readonly failure: EndpointFailure }
  /** The listener got another version while the socket was opened, and nothing has been sent yet. */
  | { readonly isSuperseded: true };

type Opened = Exclude<Attempt, { readonly isSuperseded: true }>;

/**
 * Connects to the best endpoint that takes the connection, TLS and PROXY header included. The next endpoint is tried only
 * here, before a byte of the client has gone to any; endpoints and their TLS are always those of the listener's newest
 * version. Returns undefined if the connection is over.
 */
export async function connectEndpoint(
  connection: ConnectionState,
): Promise<WireSocket | undefined> {
  const { client, listener, plane } = connection;
  client.handler = {
    onOpen() {},
    onData() {},
    onDrain() {},
    onEnd() {},
    onClose: (failure) => endConnection(connection, outcomeOfBreak(true, failure)),
  };
  const startedMs = performance.now();
  plane.connections.addWaiting(connection, startedMs);
  connection.endpointFailure = "none-configured";
  const failedKeys: string[] = [];
  let { rules } = connection;
  let candidates = rules.endpoints.inOrder(connection.clientAddress, startedMs);
  for (let at = 0; at < candidates.length; at += 1) {
    const candidate = candidates[at];
    if (candidate === undefined || failedKeys.includes(candidate.key)) continue;
    // One after the other: the next is for when this one has failed.
    // oxlint-disable-next-line no-await-in-loop
    const attempt = await tryEndpoint(connection, rules, candidate);
    if (connection.isOver) return undefined;
    if ("socket" in attempt) {
      plane.connections.deleteWaiting(connection);
      candidate.health.succeeded();
      candidate.health.openConnections += 1;
      connection.endpoint = candidate;
      connection.endpointFailure = undefined;
      connection.announced = undefined;
      connection.connectMs = connection.elapsedMs();
      listener.counters.add(CONNECTS);
      listener.counters.observeMs(CONNECT_SECONDS, performance.now() - startedMs);
      return attempt.socket;
    }
    if ("failure" in attempt) {
      failedKeys.push(candidate.key);
      connection.endpointFailure = attempt.failure;
      listener.counters.add(FAILED_SLOTS[attempt.failure]);
      if (isEndpointsFault(attempt.failure))
        candidate.health.failed(performance.now(), attempt.failure === "timeout");
    }
    if (connection.rules === rules) continue;
    ({ rules } = connection);
    candidates = rules.endpoints.inOrder(connection.clientAddress, performance.now());
    at = -1;
  }
  endConnection(connection, "endpoint-failed");
  return undefined;
}

async function tryEndpoint(
  connection: ConnectionState,
  rules: ListenerRules,
  { endpoint, health }: Candidate,
): Promise<Attempt> {
  if (!health.mayConnect()) return { failure: "busy" };
  health.connecting += 1;
  try {
    return await connectTo(connection, rules, endpoint);
  } finally {
    health.connecting -= 1;
  }
}

async function connectTo(
  connection: ConnectionState,
  rules: ListenerRules,
  endpoint: SnapshotEndpoint,
): Promise<Attempt> {
  const { plane } = connection;
  const { endpointTls, timeouts } = rules.spec;
  connection.deadlineAtMs = plane.deadlines.in(timeouts.connectMs);
  const raw = await open(connection, false, (handler) =>
    plane.wire.connect(targetOf(endpoint, endpointTls !== undefined), handler),
  );
  if ("failure" in raw || connection.isOver) return raw;
  if (connection.rules !== rules) {
    raw.socket.destroy();
    return { isSuperseded: true };
  }
  announceClient(connection, raw.socket);
  if (endpointTls === undefined) return raw;
  const context = plane.contexts.forEndpoints(rules.spec);
  if (context === undefined) return raw;
  const serverName =
    endpointTls.serverName ?? ("address" in endpoint ? endpoint.address : endpoint.server);
  return open(connection, true, (handler) =>
    plane.wire.startClientTls(
      raw.socket,
      { context, verify: endpointTls.verify, serverName },
      handler,
    ),
  );
}

/** Resolves when the socket is open, has failed, or the deadline of the connection, which is the caller's to set, has passed. */
function open(
  connection: ConnectionState,
  isTls: boolean,
  start: (handler: WireHandler) => WireSocket,
): Promise<Opened> {
  return new Promise((resolve) => {
    const socket = start({
      onOpen: () => resolve({ socket }),
      onData() {},
      onDrain() {},
      onEnd() {
        socket.destroy();
        resolve({ failure: isTls ? "tls-failed" : "reset" });
      },
      onClose: (failure) => resolve({ failure: classifyEndpointFailure(failure, isTls) }),
    });
    connection.endpointSocket = socket;
    connection.deadline = {
      deadlinePassed() {
        connection.deadlineAtMs = Number.POSITIVE_INFINITY;
        socket.destroy();
        resolve({ failure: "timeout" });
      },
    };
  });
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
