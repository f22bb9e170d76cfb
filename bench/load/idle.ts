import type { TLSSocket } from "node:tls";
import { openConnectionSet } from "./connection-set.ts";
import { bulkRequestOf } from "./exchange.ts";
import type { LoadPlan } from "./load-messages.ts";
import { serveLoad, type PreparedLoad } from "./serve-load.ts";

serveLoad(prepareIdle);

/** Opens the plan's operations as connections, has each read what the plan says, and leaves them idle. */
async function prepareIdle(plan: LoadPlan): Promise<PreparedLoad> {
  const connections = await openConnectionSet(plan, plan.operations);
  const { downloadBytes } = plan;
  if (downloadBytes !== undefined) {
    await Promise.race([
      downloadInTurns(connections.sockets, downloadBytes, plan.concurrency),
      connections.broken,
    ]);
  }
  return {
    go: () =>
      Promise.race([
        Promise.resolve({ operations: connections.sockets.length }),
        connections.broken,
      ]),
    close: () => connections.close(),
  };
}

async function downloadInTurns(
  sockets: readonly TLSSocket[],
  bytes: number,
  parallel: number,
): Promise<void> {
  const waiting = sockets.values();
  async function downloadNext(): Promise<void> {
    for (const socket of waiting) {
      await download(socket, bytes);
    }
  }
  await Promise.all(Array.from({ length: parallel }, downloadNext));
}

function download(socket: TLSSocket, bytes: number): Promise<void> {
  return new Promise((resolve) => {
    let receivedBytes = 0;
    socket.on("data", (chunk: Buffer) => {
      receivedBytes += chunk.length;
      if (receivedBytes === bytes) {
        resolve();
      }
    });
    socket.write(bulkRequestOf({ direction: "downstream", bytes }));
  });
}
