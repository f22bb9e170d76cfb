import type { TLSSocket } from "node:tls";
import { openConnectionSet } from "./connection-set.ts";
import { answerBytes, bulkRequestOf } from "./exchange.ts";
import type { LoadPlan } from "./load-messages.ts";
import { serveLoad, type PreparedLoad } from "./serve-load.ts";
import { writeBlocks } from "./write-blocks.ts";

serveLoad(prepareBulk);

/** Takes the plan's bytes from the endpoint, or brings them there, an equal share on each connection. */
async function prepareBulk(plan: LoadPlan): Promise<PreparedLoad> {
  const connections = await openConnectionSet(plan, plan.concurrency);
  const shareBytes = Math.floor(plan.operations / plan.concurrency);
  const move = plan.direction === "upstream" ? writeShare : readShare;

  async function moveAll(): Promise<number> {
    const shares = connections.sockets.map((socket) => move(socket, shareBytes));
    const moved = await Promise.all(shares);
    return moved.reduce((sum, bytes) => sum + bytes, 0);
  }
  return {
    go: async () => ({ operations: await Promise.race([moveAll(), connections.broken]) }),
    close: () => connections.close(),
  };
}

function readShare(socket: TLSSocket, bytes: number): Promise<number> {
  socket.write(bulkRequestOf({ direction: "downstream", bytes }));
  return receive(socket, bytes);
}

/** The answer comes when the endpoint has all of it. */
async function writeShare(socket: TLSSocket, bytes: number): Promise<number> {
  const answered = receive(socket, answerBytes.length);
  socket.write(bulkRequestOf({ direction: "upstream", bytes }));
  writeBlocks(socket, bytes);
  await answered;
  return bytes;
}

function receive(socket: TLSSocket, bytes: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let receivedBytes = 0;
    socket.on("data", (chunk: Buffer) => {
      receivedBytes += chunk.length;
      if (receivedBytes === bytes) {
        resolve(receivedBytes);
      } else if (receivedBytes > bytes) {
        reject(new Error("it sent more than was asked for"));
      }
    });
  });
}
