import type { LiveListener } from "../live-listeners.ts";
import type { WireSocket } from "../wire/wire.ts";
import { acceptConnection } from "./accept.ts";
import { connectEndpoint } from "./connect-endpoint.ts";
import { ConnectionState, type Plane } from "./connection-state.ts";
import { checkLists } from "./admit-client.ts";
import { cutConnection, giveUpWaiting, refuseConnection } from "./finish.ts";
import { shakeHands } from "./handshake.ts";
import { readClientHello } from "./read-client-hello.ts";
import { readProxyHeader } from "./read-proxy-header.ts";
import { redirectToHttps } from "./redirect.ts";
import { relay } from "./relay.ts";

export class Connection extends ConnectionState {
  cut(): void {
    cutConnection(this, "drained");
  }

  shed(): void {
    refuseConnection(this, "over-limit", { limit: "handshake-memory" });
  }

  giveUp(): void {
    giveUpWaiting(this);
  }
}

/** Rejects when a stage throws, which none is meant to; the connection has been cut by then. */
export async function serveConnection(
  plane: Plane,
  listener: LiveListener,
  socket: WireSocket,
): Promise<void> {
  const connection = new Connection(plane, listener, socket);
  try {
    if (acceptConnection(connection)) await serve(connection);
  } catch (cause) {
    cutConnection(connection, "internal");
    throw cause;
  }
}

/**
 * The way of a connection, whole. A stage that says undefined or false has ended it, recorded why and closed what was
 * open (finish.ts). Sockets are held between stages, so no byte is told to nobody.
 */
async function serve(connection: ConnectionState): Promise<void> {
  const { mode } = connection.rules.spec;
  switch (mode) {
    case "tcp":
      if (!(await terminateTls(connection))) return;
      break;
    case "egress":
      connection.isOpen = true;
      break;
    case "redirect": {
      const rest = await readProxyHeader(connection);
      if (rest !== undefined) await redirectToHttps(connection, rest);
      return;
    }
    default:
      mode satisfies never;
  }
  const lease = await connectEndpoint(connection);
  if (lease !== undefined) relay(connection, lease.socket);
}

async function terminateTls(connection: ConnectionState): Promise<boolean> {
  const rest = await readProxyHeader(connection);
  if (rest === undefined) return false;
  const hello = await readClientHello(connection, rest);
  // The lists may have changed since the connection was accepted.
  if (hello === undefined || !checkLists(connection)) return false;
  return shakeHands(connection, hello);
}
