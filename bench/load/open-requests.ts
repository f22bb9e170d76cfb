import type { TLSSocket } from "node:tls";
import { openConnectionSet } from "./connection-set.ts";
import { answerBytes, requestBytes } from "./exchange.ts";
import type { LoadOutcome, LoadPlan } from "./load-messages.ts";
import { serveLoad, type PreparedLoad } from "./serve-load.ts";

serveLoad(prepareOpenRequests);

/** 48-byte requests over many open connections in turn; the concurrency is how many of them wait for an answer. */
async function prepareOpenRequests(plan: LoadPlan): Promise<PreparedLoad> {
  const connections = await openConnectionSet(plan, plan.connections ?? plan.concurrency);

  function requestAll(): Promise<LoadOutcome> {
    return new Promise((resolve, reject) => {
      // A ring: who has been answered queues up again, so that all of them have their turn.
      const queue = [...connections.sockets];
      let sent = 0;
      let answered = 0;

      function sendNext(): void {
        if (sent < plan.operations) {
          queue[sent % queue.length]?.write(requestBytes);
          sent += 1;
        }
      }
      for (const socket of connections.sockets) {
        onAnswer(socket, reject, () => {
          queue[answered % queue.length] = socket;
          answered += 1;
          if (answered === plan.operations) {
            resolve({ operations: answered });
          }
          sendNext();
        });
      }
      for (let first = 0; first < plan.concurrency; first += 1) {
        sendNext();
      }
    });
  }
  return {
    go: () => Promise.race([requestAll(), connections.broken]),
    close: () => connections.close(),
  };
}

function onAnswer(socket: TLSSocket, fail: (error: Error) => void, next: () => void): void {
  let receivedBytes = 0;
  socket.on("data", (chunk: Buffer) => {
    receivedBytes += chunk.length;
    if (receivedBytes > answerBytes.length) {
      fail(new Error("it sent more than the answer"));
    }
    if (receivedBytes === answerBytes.length) {
      receivedBytes = 0;
      next();
    }
  });
}
