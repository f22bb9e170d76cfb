import { cidrContains, normaliseClientAddress } from "#model/cidr.ts";
import { SLOTS } from "#model/metric-catalog.ts";
import type { OverLimit } from "#model/outcome.ts";
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
  const nowMs = performance.now();
  const limit = admit(plane, listener, nowMs);
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

/** The vNIC's own limits come first: for a client over those no other has to give up its place. */
function admit(plane: Plane, { usage }: RuntimeListener, nowMs: number): OverLimit | undefined {
  const limit = usage.tryAdmit(nowMs);
  if (limit !== undefined || plane.connections.hasPlace(plane.maxConnections, nowMs)) return limit;
  usage.release();
  usage.giveHandshakeBack();
  return "director-connections";
}

/** Whether the socket's peer lies in the CIDRs from which a PROXY header is required. */
export function needsProxyHeader({ listener, client }: ConnectionState): boolean {
  const { trustedProxies } = listener;
  if (trustedProxies.length === 0) return false;
  const peerAddress = normaliseClientAddress(client.peerAddress);
  return trustedProxies.some((cidr) => cidrContains(cidr, peerAddress));
}

/** Counts the client address against its rate; false: over it, and the connection is closed. */
export function isAddressAdmitted(connection: ConnectionState): boolean {
  const { usage } = connection.listener;
  if (usage.isAddressWithinRate(connection.clientAddress, performance.now())) return true;
  usage.giveHandshakeBack();
  failHandshake(connection, "over-limit", { limit: "address-handshake-rate" });
  return false;
}
