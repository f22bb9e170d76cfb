import { createServer, type Server, type Socket } from "node:net";
import { answerBytes, requestBytes, tryBulkRequest, type BulkRequest } from "./exchange.ts";
import type { EndpointOrder, EndpointReply } from "./load-messages.ts";
import { writeBlocks } from "./write-blocks.ts";

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

/** Answers one request after the other, head by head; the bytes of an upload are counted and dropped. */
function serve(socket: Socket): void {
  let head = "";
  let awaitedBytes = 0;

  function answer(request: BulkRequest | undefined, following: number): void {
    if (request?.direction === "upstream") {
      awaitedBytes = request.bytes;
      swallow(following);
    } else if (request?.direction === "downstream") {
      writeBlocks(socket, request.bytes);
    } else {
      socket.write(answerBytes);
    }
  }
  function swallow(bytes: number): void {
    awaitedBytes -= bytes;
    if (awaitedBytes === 0) {
      socket.write(answerBytes);
    }
  }
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    if (awaitedBytes > 0) {
      swallow(chunk.length);
      return;
    }
    if (head === "" && chunk.length === requestBytes.length) {
      socket.write(answerBytes);
      return;
    }
    head += chunk.toString("latin1");
    const end = head.indexOf("\r\n\r\n");
    if (end >= 0) {
      const following = head.length - end - 4;
      const request = tryBulkRequest(head);
      head = "";
      answer(request, following);
    }
  });
}

function reply(message: EndpointReply): void {
  process.send?.(message);
}
