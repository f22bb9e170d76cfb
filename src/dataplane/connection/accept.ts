import { cidrContains, normaliseClientAddress } from "#model/cidr.ts";
import { SLOTS } from "#model/metric-catalog.ts";
import type { RuntimeListener } from "../build-runtime.ts";
import type { WireSocket } from "../wire/wire.ts";
import { ConnectionState, type Plane } from "./connection-state.ts";
import { failHandshake } from "./finish.ts";

const ACCEPTED = SLOTS.firstSlot.tlsd_connections_accepted_total;

/**
 * Admission, before any work is done for the client. Undefined: over a limit, and closed. The rate of one client
 * address waits for the PROXY header where one is required, as the socket's peer is not the client there.
 */
export function acceptConnection(
  plane: Plane,
  listener: RuntimeListener,
  socket: WireSocket,
): ConnectionState | undefined {
  const connection = new ConnectionState(plane, listener, socket);
  connection.clientAddress = normaliseClientAddress(connection.clientAddress);
  listener.counters.add(ACCEPTED);
  // The peer was gone before it was accepted, and nothing may be decided by an address that is not known. Where proxies
  // may announce clients, readProxyHeader ends the connection, as it must first tell a health check from a failure.
  if (connection.clientAddress === "" && listener.trustedProxies.length === 0) {
    failHandshake(connection, "reset");
    return undefined;
  }
  const nowMs = performance.now();
  const limit =
    plane.connections.size >= plane.maxConnections
      ? "director-connections"
      : listener.usage.tryAdmit(nowMs);
  if (limit !== undefined) {
    failHandshake(connection, "over-limit", { limit });
    return undefined;
  }
  connection.isAdmitted = true;
  plane.connections.add(connection);
  plane.deadlines.add(connection);
  listener.counters.addOpen(1);
  if (!needsProxyHeader(connection) && !isAddressAdmitted(connection)) return undefined;
  const { handshakeMs } = listener.spec.timeouts;
  connection.setDeadline(handshakeMs, {
    deadlinePassed: () => failHandshake(connection, "deadline"),
  });
  return connection;
}

/** Whether the peer must send a PROXY header. Until that is read, the peer is the client. */
export function needsProxyHeader({ listener, clientAddress }: ConnectionState): boolean {
  const { trustedProxies } = listener;
  if (trustedProxies.length === 0) return false;
  // A peer whose address is not known is never taken for a direct client.
  return clientAddress === "" || trustedProxies.some((cidr) => cidrContains(cidr, clientAddress));
}

/** Counts the client address against its rate; false: over it, and the connection is closed. */
export function isAddressAdmitted(connection: ConnectionState): boolean {
  const { usage } = connection.listener;
  if (usage.isAddressWithinRate(connection.clientAddress, performance.now())) return true;
  usage.giveHandshakeBack();
  failHandshake(connection, "over-limit", { limit: "address-handshake-rate" });
  return false;
}
