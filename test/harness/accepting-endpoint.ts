import { withDeadline } from "./deadline.ts";
import { startEndpoint, type Endpoint, type EndpointOptions } from "./endpoint.ts";
import { SocketClient } from "./socket-client.ts";

/** Does nothing on its own: it gives each connection to the test, which then speaks for both sides of a relay. */
export interface AcceptingEndpoint {
  readonly endpoint: Endpoint;
  /** The oldest connection that nobody has asked for, or the next one. */
  accept(deadlineMs?: number): Promise<SocketClient>;
}

export async function startAcceptingEndpoint(
  options: EndpointOptions = {},
): Promise<AcceptingEndpoint> {
  const arrived: SocketClient[] = [];
  let arrival = Promise.withResolvers<void>();
  const endpoint = await startEndpoint((socket) => {
    arrived.push(new SocketClient(socket));
    arrival.resolve();
  }, options);
  const take = async (): Promise<SocketClient> => {
    for (;;) {
      const oldest = arrived.shift();
      if (oldest !== undefined) return oldest;
      arrival = Promise.withResolvers<void>();
      await arrival.promise;
    }
  };
  return {
    endpoint,
    accept: (deadlineMs = 10_000) =>
      withDeadline(take(), deadlineMs, "a connection to the endpoint"),
  };
}
