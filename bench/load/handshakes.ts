import { answerBytes, requestBytes } from "./exchange.ts";
import type { LoadPlan } from "./load-messages.ts";
import { serveLoad, type PreparedLoad } from "./serve-load.ts";
import { TlsClient } from "./tls-client.ts";

const ticketDeadlineMs = 5_000;

serveLoad(prepareHandshakes);

/**
 * Each operation is a connection of its own: handshake, one 48-byte request and its answer, orderly close. The
 * exchange is there so that every subject has to connect to the endpoint before the client may leave.
 *
 * Where sessions are to be resumed, each of the clients at work gets its ticket beforehand and shows that one every
 * time: how many new tickets a subject sends on a resumed handshake is then part of its cost, not of the mix.
 */
async function prepareHandshakes(plan: LoadPlan): Promise<PreparedLoad> {
  const client = new TlsClient(plan.target, plan.terms);
  const sessions = plan.terms.handshake === "full" ? [] : await takeTickets(plan);
  let started = 0;
  let done = 0;

  async function handshakeInTurn(session: Buffer | undefined): Promise<void> {
    while (started < plan.operations) {
      started += 1;
      await connectOnce(client, session);
      done += 1;
    }
  }
  return {
    async go() {
      const turns = Array.from({ length: plan.concurrency }, (_, turn) => sessions[turn]);
      await Promise.all(turns.map(handshakeInTurn));
      return {
        operations: done,
        ...(plan.terms.handshake === "either" && { resumed: client.resumed }),
      };
    },
    async close() {},
  };
}

function takeTickets(plan: LoadPlan): Promise<Buffer[]> {
  const client = new TlsClient(plan.target, { ...plan.terms, handshake: "full" });
  return Promise.all(Array.from({ length: plan.concurrency }, () => takeTicket(client)));
}

async function takeTicket(client: TlsClient): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const socket = await client.open(reject);
  socket.once("session", resolve);
  socket.setTimeout(ticketDeadlineMs, () => reject(new Error("it sent no session ticket")));
  // Tickets come after the handshake, with some subjects not before the first data.
  socket.resume();
  socket.write(requestBytes);
  return promise.finally(() => socket.end());
}

async function connectOnce(client: TlsClient, session: Buffer | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = await client.open(reject, session);
  let receivedBytes = 0;
  socket.on("data", (chunk: Buffer) => {
    receivedBytes += chunk.length;
    if (receivedBytes === answerBytes.length) {
      socket.end();
    }
  });
  socket.once("close", () => {
    if (receivedBytes === answerBytes.length) {
      resolve();
    } else {
      reject(new Error(`it closed after ${receivedBytes} of ${answerBytes.length} bytes`));
    }
  });
  socket.write(requestBytes);
  await promise;
}
