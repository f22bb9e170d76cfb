import { answerBytes, requestBytes } from "./exchange.ts";
import type { LoadPlan } from "./load-messages.ts";
import { serveLoad, type PreparedLoad } from "./serve-load.ts";
import { buildTlsClient, openConnection, type TlsClient } from "./tls-client.ts";

serveLoad(prepareHandshakes);

/**
 * Each operation is a connection of its own: full handshake, one 48-byte request and its answer, orderly close. The
 * exchange is there so that every subject has to connect to the endpoint before the client may leave.
 */
async function prepareHandshakes(plan: LoadPlan): Promise<PreparedLoad> {
  const client = buildTlsClient(plan.target);
  let started = 0;
  let done = 0;

  async function handshakeInTurn(): Promise<void> {
    while (started < plan.operations) {
      started += 1;
      await handshakeOnce(client);
      done += 1;
    }
  }
  return {
    async go() {
      await Promise.all(Array.from({ length: plan.concurrency }, handshakeInTurn));
      return done;
    },
    async close() {},
  };
}

async function handshakeOnce(client: TlsClient): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = await openConnection(client, reject);
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
