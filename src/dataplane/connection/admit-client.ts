import { cidrsContain } from "#model/addresses/cidr.ts";
import type { ConnectionState } from "./connection-state.ts";
import { refuseConnection } from "./finish.ts";

/**
 * Checks the client's address against the lists of the listener, then counts the connection against the rate of the
 * address. Returns false, and ends the connection, if the client is not admitted. The client is the address that a
 * PROXY header announced, otherwise the peer.
 */
export function admitClient(connection: ConnectionState): boolean {
  const { clientAddress, plane } = connection;
  const { usage } = connection.listener;
  if (!checkLists(connection)) {
    usage.giveHandshakeBack();
    return false;
  }
  if (usage.tryTakeHandshake(clientAddress, plane.clock.nowMs())) return true;
  usage.giveHandshakeBack();
  refuseConnection(connection, "over-limit", { limit: "address-handshake-rate" });
  return false;
}

/**
 * Checks the client's address against `allowFrom` and `denyFrom`. `denyFrom` takes precedence. Returns false, and ends
 * the connection, if the client is not allowed.
 */
export function checkLists(connection: ConnectionState): boolean {
  const { clientAddress, rules } = connection;
  const { allowFrom, denyFrom } = rules;
  if (cidrsContain(denyFrom, clientAddress)) {
    refuseConnection(connection, "not-allowed", { detail: "in denyFrom" });
    return false;
  }
  if (allowFrom === undefined || cidrsContain(allowFrom, clientAddress)) return true;
  refuseConnection(connection, "not-allowed", { detail: "not in allowFrom" });
  return false;
}
