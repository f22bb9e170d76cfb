import { isEndpointsFault, type EndpointFailure } from "#model/records/outcome.ts";
import type { SnapshotEndpoint } from "#model/records/snapshot.ts";
import { EndpointLease } from "../endpoint/endpoint-lease.ts";
import type { Candidate, EndpointSet } from "../endpoint/endpoint-set.ts";
import type { EndpointMetricName } from "#model/records/metric-catalog.ts";
import type { EndpointRules } from "../listener-rules.ts";
import { histogramSlots, slotOf, slotsByLabel } from "../observe/counters.ts";
import type { ConnectTarget, WireSocket } from "../wire/wire.ts";
import type { LiveListener } from "../live-listeners.ts";
import type { DeadlineListener, Plane } from "./connection-state.ts";

const CONNECTS = slotOf("tlsd_endpoint_connects_total");
const FAILED_SLOTS = slotsByLabel("tlsd_endpoint_connects_failed_total");
const CONNECT_SECONDS = histogramSlots("tlsd_endpoint_connect_seconds");

/**
 * `superseded` means that the rules of the listener changed while the socket connected, or that they do not have the endpoint
 * any more. None of the client's bytes have been sent on it.
 */
type Attempt = EndpointLease | EndpointFailure | "superseded";

/** What needs an endpoint: a connection, or an exchange. */
export interface EndpointUser {
  readonly plane: Plane;
  readonly listener: LiveListener<EndpointRules, EndpointMetricName>;
  /** The newest rules of the listener. */
  readonly rules: EndpointRules;
  readonly clientAddress: string;
  /** Whether the endpoint is not needed any more. */
  readonly isOver: boolean;
  /** Name of the server whose endpoint was tried last. */
  server: string | undefined;
  lease: EndpointLease | undefined;
  endpointFailure: EndpointFailure | undefined;
  /** Returns the newest endpoints of its route. */
  endpointSet(): EndpointSet;
  setDeadline(ms: number, listener: DeadlineListener): void;
  /** Sends what the endpoint must receive before anything else, and before TLS starts. */
  announce(endpoint: WireSocket): void;
  giveUp(): void;
  reconsider(): void;
}

/**
 * Connects to the first endpoint that accepts the connection, including TLS and the PROXY header. A failed attempt is
 * followed by the next endpoint. This is safe because no endpoint has received any of the client's bytes yet. Each
 * attempt uses the newest endpoints and TLS settings of the listener. `order` are the endpoints to begin with. Resolves with
 * undefined if no endpoint accepts, or if the user is over.
 */
export async function acquireEndpoint(
  user: EndpointUser,
  order: readonly Candidate[],
): Promise<EndpointLease | undefined> {
  const { listener, plane } = user;
  const startedMs = plane.clock.nowMs();
  plane.connections.addWaiting(user, startedMs);
  user.endpointFailure = "none-configured";
  const failedKeys: string[] = [];
  let { rules } = user;
  let endpoints = user.endpointSet();
  let { isOnStandby } = endpoints;
  let candidates = order;
  for (let at = 0; at < candidates.length; at += 1) {
    const candidate = candidates[at];
    if (candidate === undefined || failedKeys.includes(candidate.key)) continue;
    // The attempts are sequential. The next endpoint is tried only after this one has failed.
    // oxlint-disable-next-line no-await-in-loop
    const attempt = await tryEndpoint(user, rules, candidate);
    if (user.isOver) return undefined;
    if (attempt instanceof EndpointLease) {
      attempt.open();
      plane.connections.deleteWaiting(user);
      user.endpointFailure = undefined;
      listener.counters.add(CONNECTS);
      listener.counters.observeMs(CONNECT_SECONDS, plane.clock.nowMs() - startedMs);
      return attempt;
    }
    user.lease?.release();
    user.lease = undefined;
    if (attempt !== "superseded") {
      failedKeys.push(candidate.key);
      user.endpointFailure = attempt;
      listener.counters.add(FAILED_SLOTS[attempt]);
      candidate.figures.failed(attempt);
      if (isEndpointsFault(attempt))
        candidate.health.failed(plane.clock.nowMs(), attempt === "timeout");
    }
    if (user.rules === rules && endpoints.isOnStandby === isOnStandby) continue;
    ({ rules } = user);
    endpoints = user.endpointSet();
    ({ isOnStandby } = endpoints);
    candidates = endpoints.inOrder(user.clientAddress, plane.clock.nowMs());
    at = -1;
  }
  plane.connections.deleteWaiting(user);
  return undefined;
}

/**
 * The user holds the lease from the start of the attempt, so that its end closes a socket that
 * is still connecting.
 */
async function tryEndpoint(
  user: EndpointUser,
  rules: EndpointRules,
  candidate: Candidate,
): Promise<Attempt> {
  const { plane } = user;
  const { endpoint, health } = candidate;
  const { endpointTls, timeouts } = rules.spec;
  if (!health.mayConnect()) return "busy";
  const target = targetOf(endpoint, endpointTls !== undefined);
  const lease = EndpointLease.connect(candidate, plane.wire, target);
  user.lease = lease;
  user.server = endpoint.server;
  user.setDeadline(timeouts.connectMs, lease);
  const failure = await lease.untilConnected();
  if (lease.isAbandoned) return "superseded";
  if (failure !== undefined) return failure;
  if (user.isOver) return lease;
  if (user.rules !== rules) {
    lease.socket.destroy();
    return "superseded";
  }
  user.announce(lease.socket);
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
