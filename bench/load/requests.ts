import type { TLSSocket } from "node:tls";
import { openConnectionSet } from "./connection-set.ts";
import { answerBytes, requestBytes } from "./exchange.ts";
import type { LoadPlan } from "./load-messages.ts";
import { serveLoad, type PreparedLoad } from "./serve-load.ts";

serveLoad(prepareRequests);

/** Keep-alive connections, one 48-byte request in flight on each. */
async function prepareRequests(plan: LoadPlan): Promise<PreparedLoad> {
  const connections = await openConnectionSet(plan.target, plan.concurrency, plan.concurrency);

  function requestAll(): Promise<number> {
    return new Promise((resolve, reject) => {
      let sent = 0;
      let answered = 0;

      function send(socket: TLSSocket): void {
        if (sent < plan.operations) {
          sent += 1;
          socket.write(requestBytes);
        }
      }
      for (const socket of connections.sockets) {
        let receivedBytes = 0;
        socket.on("data", (chunk: Buffer) => {
          receivedBytes += chunk.length;
          if (receivedBytes < answerBytes.length) {
            return;
          }
          if (receivedBytes > answerBytes.length) {
            reject(new Error("it sent more than the answer"));
          }
          receivedBytes = 0;
          answered += 1;
          if (answered === plan.operations) {
            resolve(answered);
          }
          send(socket);
        });
        send(socket);
      }
    });
  }
  return {
    go: () => Promise.race([requestAll(), connections.broken]),
    close: () => connections.close(),
  };
}
