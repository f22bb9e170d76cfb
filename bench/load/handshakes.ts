import { repeatedExchangeOf, type RepeatedExchange } from "./answers.ts";
import { requestBytes } from "./exchange.ts";
import type { LoadPlan, PreparedLoad } from "./messages.ts";
import { TlsClient } from "./tls-client.ts";

const ticketDeadlineMs = 5_000;

/**
 * Each operation is a connection of its own: handshake, one request and its answer, orderly close. Because of the
 * request, every proxy has to connect to the endpoint before the client can leave.
 *
 * If sessions are to be resumed, each concurrent client obtains one ticket beforehand and uses it every time. So the number
 * of new tickets that a proxy sends affects only that proxy's own cost.
 */
export async function prepareHandshakes(plan: LoadPlan): Promise<PreparedLoad> {
  const client = new TlsClient(plan.target, plan.tls);
  const sessions = plan.tls.handshake === "full" ? [] : await obtainTickets(plan);
  const exchange = repeatedExchangeOf(plan);
  let started = 0;
  let done = 0;

  async function connectSome(_: unknown, index: number): Promise<void> {
    while (started < plan.operations) {
      started += 1;
      await connectOnce(client, sessions[index], exchange);
      done += 1;
    }
  }
  return {
    async run() {
      await Promise.all(Array.from({ length: plan.concurrency }, connectSome));
      const isEither = plan.tls.handshake === "either";
      return { operations: done, ...(isEither && { resumed: client.resumed }) };
    },
    async close() {},
  };
}

function obtainTickets(plan: LoadPlan): Promise<Buffer[]> {
  const client = new TlsClient(plan.target, { ...plan.tls, handshake: "full" });
  return Promise.all(Array.from({ length: plan.concurrency }, () => obtainTicket(client)));
}

async function obtainTicket(client: TlsClient): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const socket = await client.open(reject);
  socket.once("session", resolve);
  socket.setTimeout(ticketDeadlineMs, () => reject(new Error("it sent no session ticket")));
  // Some proxies send tickets only with the first application data.
  socket.resume();
  socket.write(requestBytes);
  return promise.finally(() => socket.end());
}

async function connectOnce(
  client: TlsClient,
  session: Buffer | undefined,
  { request, onEachAnswer }: RepeatedExchange,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = await client.open(reject, session);
  let isAnswered = false;
  const onAnswer = (): void => {
    isAnswered = true;
    socket.end();
  };
  onEachAnswer(socket, onAnswer, reject);
  socket.once("close", () => {
    if (isAnswered) resolve();
    else reject(new Error(`it closed after ${socket.bytesRead} bytes, before the whole answer`));
  });
  socket.write(request);
  await promise;
}
