import { cidrsContain, normaliseClientAddress } from "#model/addresses/cidr.ts";
import type { OverLimit } from "#model/records/outcome.ts";
import type { LiveListener } from "../live-listeners.ts";
import { slotOf } from "../observe/counters.ts";
import { admitClient } from "./admit-client.ts";
import type { ConnectionState, Plane } from "./connection-state.ts";
import { refuseConnection } from "./finish.ts";

const ACCEPTED = slotOf("tlsd_connections_accepted_total");

/**
 * Admits a connection before any work is done for its client. Returns false, and closes the connection, if it exceeds a
 * limit or its client is not allowed. If the peer must send a PROXY header, the client is admitted after the header is
 * read, because only then is its address known.
 */
export function acceptConnection(connection: ConnectionState): boolean {
  const { plane, listener } = connection;
  connection.clientAddress = normaliseClientAddress(connection.clientAddress);
  listener.counters.add(ACCEPTED);
  // The address is empty if the peer closed the connection before it was accepted. No decision may depend on an unknown
  // address. On a listener that accepts PROXY headers, readProxyHeader ends the connection, because it must first
  // distinguish a health check from a failure.
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

/** The limits of the vNIC are checked first, so that a client that exceeds them never makes another connection end. */
function admit(plane: Plane, { usage }: LiveListener, nowMs: number): OverLimit | undefined {
  const limit = usage.tryAdmit(nowMs);
  if (limit !== undefined || plane.connections.hasPlace(plane.maxConnections, nowMs)) return limit;
  usage.release();
  usage.giveHandshakeBack();
  return "director-connections";
}

/** Whether the peer must send a PROXY header. Until the header is read, the peer counts as the client. */
export function needsProxyHeader({ rules, clientAddress }: ConnectionState): boolean {
  const { trustedProxies } = rules;
  if (trustedProxies.length === 0) return false;
  // A peer with an unknown address is never treated as a direct client.
  return clientAddress === "" || cidrsContain(trustedProxies, clientAddress);
}
