import { cidrsContain } from "#model/addresses/cidr.ts";
import type { ConnectionState } from "./connection-state.ts";
import { refuseConnection } from "./finish.ts";

/**
 * Checks the client's address against the lists of the listener, then counts it against its rate. Returns false if the
 * client is turned away; the connection is over then. The client is the one that a PROXY header announced, else the peer.
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
 * Checks the client's address against `allowFrom` and `denyFrom`, of which the latter wins. Returns false if it is not
 * allowed; the connection is over then.
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
