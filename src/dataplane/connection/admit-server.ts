import { cidrContains } from "#model/cidr.ts";
import type { ConnectionState } from "./connection-state.ts";
import { failHandshake } from "./finish.ts";

/** Egress: only the profile's servers and the listener's CIDRs get TLS spoken for them, by the socket's peer alone. */
export function admitServer(connection: ConnectionState): boolean {
  if (!connection.listener.allowFrom.some((cidr) => cidrContains(cidr, connection.clientAddress))) {
    failHandshake(connection, "not-allowed");
    return false;
  }
  connection.isOpen = true;
  return true;
}
