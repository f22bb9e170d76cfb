import { cidrsContain, normaliseClientAddress } from "#model/addresses/cidr.ts";
import type { OverLimit } from "#model/records/outcome.ts";
import type { LiveListener } from "../live-listeners.ts";
import { slotOf } from "../observe/counters.ts";
import { admitClient } from "./admit-client.ts";
import type { ConnectionState, Plane } from "./connection-state.ts";
import { refuseConnection } from "./finish.ts";

const ACCEPTED = slotOf("tlsd_connections_accepted_total");

/**
 * Admits a connection before any work is done for its client. Returns false if it is over a limit or its client is not
 * allowed; it is closed then. Where a PROXY header is required, the client is admitted after it, as the peer is not
 * the client there.
 */
export function acceptConnection(connection: ConnectionState): boolean {
  const { plane, listener } = connection;
  connection.clientAddress = normaliseClientAddress(connection.clientAddress);
  listener.counters.add(ACCEPTED);
  // The peer was gone before it was accepted, and nothing may be decided by an address that is not known. Where proxies
  // may announce clients, readProxyHeader ends the connection, as it must first tell a health check from a failure.
  if (connection.clientAddress === "" && connection.rules.trustedProxies.length === 0) {
    refuseConnection(connection, "reset");
    return false;
  }
  const nowMs = plane.clock.nowMs();
  const limit = admit(plane, listener, nowMs);
  if (limit !== undefined) {
    refuseConnection(connection, "over-limit", { limit });
    return false;
  }
  connection.isAdmitted = true;
  connection.isPending = true;
  listener.pendingConnections += 1;
  plane.connections.add(connection);
  plane.deadlines.add(connection);
  listener.counters.addOpen(1);
  if (!needsProxyHeader(connection) && !admitClient(connection)) return false;
  const { handshakeMs } = connection.rules.spec.timeouts;
  connection.setDeadline(handshakeMs, {
    deadlinePassed: () => refuseConnection(connection, "deadline"),
  });
  return true;
}

/** The vNIC's own limits come first: for a client over those no other has to give up its place. */
function admit(plane: Plane, { usage }: LiveListener, nowMs: number): OverLimit | undefined {
  const limit = usage.tryAdmit(nowMs);
  if (limit !== undefined || plane.connections.hasPlace(plane.maxConnections, nowMs)) return limit;
  usage.release();
  usage.giveHandshakeBack();
  return "director-connections";
}

/** Whether the peer must send a PROXY header. Until that is read, the peer is the client. */
export function needsProxyHeader({ rules, clientAddress }: ConnectionState): boolean {
  const { trustedProxies } = rules;
  if (trustedProxies.length === 0) return false;
  // A peer whose address is not known is never taken for a direct client.
  return clientAddress === "" || cidrsContain(trustedProxies, clientAddress);
}
