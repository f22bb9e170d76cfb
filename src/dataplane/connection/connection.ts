import type { ListenerMetricName } from "#model/records/metric-catalog.ts";
import type { EndpointSet } from "../endpoint/endpoint-set.ts";
import type { ListenerRules } from "../listener-rules.ts";
import type { LiveListener } from "../live-listeners.ts";
import type { WireSocket } from "../wire/wire.ts";
import { acceptConnection } from "./accept.ts";
import { announceClient } from "./announce-client.ts";
import { ConnectionState, type EndpointConnection, type Plane } from "./connection-state.ts";
import { cutConnection, giveUpWaiting, refuseConnection } from "./finish.ts";

export class Connection<
  Rules extends ListenerRules = ListenerRules,
  Metric extends ListenerMetricName = never,
> extends ConnectionState<Rules, Metric> {
  cut(): void {
    cutConnection(this, "drained");
  }

  shed(): void {
    refuseConnection(this, "over-limit", { limit: "handshake-memory" });
  }

  giveUp(this: EndpointConnection): void {
    giveUpWaiting(this);
  }

  endpointSet(this: EndpointConnection): EndpointSet {
    return this.rules.routes.for(this.identityName);
  }

  announce(endpoint: WireSocket): void {
    announceClient(this, endpoint);
  }

  reconsider(this: EndpointConnection): void {
    const { lease } = this;
    if (lease !== undefined && !this.endpointSet().has(lease.candidate)) lease.abandon();
  }
}

/**
 * Serves a connection by the mode of its listener. Rejects if a stage throws, which is a bug. The connection is closed
 * before the promise rejects.
 */
export async function serveConnection(
  plane: Plane,
  listener: LiveListener,
  socket: WireSocket,
): Promise<void> {
  const connection = new Connection(plane, listener, socket);
  try {
    if (acceptConnection(connection)) await listener.mode.serve(connection);
  } catch (cause) {
    cutConnection(connection, "internal");
    throw cause;
  }
}
