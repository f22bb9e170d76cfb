import type { TLSSocket } from "node:tls";
import { openConnectionSet } from "./connection-set.ts";
import { bulkRequestOf } from "./exchange.ts";
import type { LoadPlan } from "./load-messages.ts";
import { serveLoad, type PreparedLoad } from "./serve-load.ts";

serveLoad(prepareBulk);

/** Reads the plan's bytes from the endpoint, an equal share on each connection. */
async function prepareBulk(plan: LoadPlan): Promise<PreparedLoad> {
  const connections = await openConnectionSet(plan.target, plan.concurrency, plan.concurrency);
  const shareBytes = Math.floor(plan.operations / plan.concurrency);

  async function readAll(): Promise<number> {
    const shares = connections.sockets.map((socket) => readShare(socket, shareBytes));
    const received = await Promise.all(shares);
    return received.reduce((sum, bytes) => sum + bytes, 0);
  }
  return {
    go: () => Promise.race([readAll(), connections.broken]),
    close: () => connections.close(),
  };
}

function readShare(socket: TLSSocket, shareBytes: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let receivedBytes = 0;
    socket.on("data", (chunk: Buffer) => {
      receivedBytes += chunk.length;
      if (receivedBytes === shareBytes) {
        resolve(receivedBytes);
      } else if (receivedBytes > shareBytes) {
        reject(new Error("it sent more than was asked for"));
      }
    });
    socket.write(bulkRequestOf(shareBytes));
  });
}
