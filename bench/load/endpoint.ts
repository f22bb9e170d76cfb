import { createServer, type Server, type Socket } from "node:net";
import { answerBytes, requestBytes, tryBulkBytes } from "./exchange.ts";
import type { EndpointOrder, EndpointReply } from "./load-messages.ts";

const block = Buffer.alloc(256 * 1024, "tls-director");
const servers = new Map<number, Server>();

process.on("message", (order: EndpointOrder) => {
  switch (order.type) {
    case "listen":
      listen();
      return;
    case "count":
      servers.get(order.port)?.getConnections((_, open) => reply({ type: "counted", open }));
      return;
    default:
      order satisfies never;
  }
});
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));

function listen(): void {
  const server = createServer({ noDelay: true }, serve);
  server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => {
    const bound = server.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : 0;
    servers.set(port, server);
    reply({ type: "listening", port });
  });
}

function serve(socket: Socket): void {
  let pending = Buffer.alloc(0);
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    if (pending.length === 0 && chunk.length === requestBytes.length) {
      socket.write(answerBytes);
      return;
    }
    pending = Buffer.concat([pending, chunk]);
    if (!pending.toString("latin1").endsWith("\r\n\r\n")) {
      return;
    }
    const bulkBytes = tryBulkBytes(pending);
    pending = Buffer.alloc(0);
    if (bulkBytes === undefined) {
      socket.write(answerBytes);
    } else {
      sendBulk(socket, bulkBytes);
    }
  });
}

function sendBulk(socket: Socket, bytes: number): void {
  let remaining = bytes;
  while (remaining > 0) {
    const part = remaining < block.length ? block.subarray(0, remaining) : block;
    remaining -= part.length;
    if (!socket.write(part)) {
      socket.once("drain", () => sendBulk(socket, remaining));
      return;
    }
  }
}

function reply(message: EndpointReply): void {
  process.send?.(message);
}
