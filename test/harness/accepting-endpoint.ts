import { withDeadline } from "./deadline.ts";
import { startEndpoint, type Endpoint, type EndpointOptions } from "./endpoint.ts";
import { SocketClient } from "./socket-client.ts";

/** Does nothing on its own: it gives each connection to the test, which then speaks for both sides of a relay. */
export interface AcceptingEndpoint {
  readonly endpoint: Endpoint;
  /** The oldest connection that nobody has asked for, or the next one. */
  accept(deadlineMs?: number): Promise<SocketClient>;
  /** Returns both sides of one connection. Meetings run one after the other, because only the order pairs the sides. */
  meet<Client>(connect: () => Promise<Client>): Promise<[Client, SocketClient]>;
}

export async function startAcceptingEndpoint(
  options: EndpointOptions = {},
): Promise<AcceptingEndpoint> {
  const arrived: SocketClient[] = [];
  const waiting: ((server: SocketClient) => void)[] = [];
  const endpoint = await startEndpoint((socket) => {
    const server = new SocketClient(socket);
    const waiter = waiting.shift();
    if (waiter === undefined) arrived.push(server);
    else waiter(server);
  }, options);
  const accept = async (deadlineMs = 10_000): Promise<SocketClient> => {
    const oldest = arrived.shift();
    if (oldest !== undefined) return oldest;
    const { promise, resolve } = Promise.withResolvers<SocketClient>();
    waiting.push(resolve);
    return withDeadline(promise, deadlineMs, "a connection to the endpoint");
  };
  let lastMeeting: Promise<unknown> = Promise.resolve();
  const meet = <Client>(connect: () => Promise<Client>): Promise<[Client, SocketClient]> => {
    const work = async (): Promise<[Client, SocketClient]> => [await connect(), await accept()];
    const meeting = lastMeeting.then(work, work);
    lastMeeting = meeting;
    return meeting;
  };
  return { endpoint, accept, meet };
}
