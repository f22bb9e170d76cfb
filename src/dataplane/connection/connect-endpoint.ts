import type { EndpointLease } from "../endpoint/endpoint-lease.ts";
import { acquireEndpoint } from "./acquire-endpoint.ts";
import { countSilentEnd } from "./certificate-failure.ts";
import type { EndpointConnection } from "./connection-state.ts";
import { endConnection, outcomeOfBreak } from "./finish.ts";

/** Finds an endpoint for the whole connection. Resolves with undefined if the connection has ended. */
export async function connectEndpoint(
  connection: EndpointConnection,
): Promise<EndpointLease | undefined> {
  const { client, plane } = connection;
  client.handler = {
    onOpen() {},
    onData() {},
    onDrain() {},
    onEnd() {},
    onClose(failure) {
      countSilentEnd(connection, failure);
      endConnection(connection, outcomeOfBreak(true, failure));
    },
  };
  const nowMs = plane.clock.nowMs();
  const order = connection.endpointSet().inOrder(connection.clientAddress, nowMs);
  const lease = await acquireEndpoint(connection, order);
  if (lease === undefined) {
    endConnection(connection, "endpoint-failed");
    return undefined;
  }
  connection.announced = undefined;
  connection.connectMs = connection.elapsedMs();
  return lease;
}
