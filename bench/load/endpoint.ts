import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import {
  answerBytes,
  requestBytes,
  tryBulkRequest,
  writeBlocks,
  type BulkRequest,
} from "./exchange.ts";
import type { EndpointCommand } from "./messages.ts";
import { serveCommands } from "./serve-commands.ts";

/** Each proxy has a port of its own, so that its closed connections do not occupy the ports of another proxy. */
const servers = new Map<number, Server>();

serveCommands(async (command: EndpointCommand) => {
  if (command.type === "count") {
    const { promise, resolve } = Promise.withResolvers<number>();
    servers.get(command.port)?.getConnections((_, open) => resolve(open));
    return { open: await promise };
  }
  const server = createServer({ noDelay: true }, serve);
  server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  servers.set(port, server);
  return { port };
});

/** Answers one request after the other. The bytes of an upload are counted and discarded. */
function serve(socket: Socket): void {
  let head = "";
  let awaitedBytes = 0;

  function answer(request: BulkRequest | undefined, bodyBytes: number): void {
    if (request?.direction === "upstream") {
      awaitedBytes = request.bytes;
      discard(bodyBytes);
    } else if (request?.direction === "downstream") {
      writeBlocks(socket, request.bytes);
    } else {
      socket.write(answerBytes);
    }
  }
  function discard(bytes: number): void {
    awaitedBytes -= bytes;
    if (awaitedBytes === 0) socket.write(answerBytes);
  }
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    if (awaitedBytes > 0) {
      discard(chunk.length);
      return;
    }
    if (head === "" && chunk.length === requestBytes.length) {
      socket.write(answerBytes);
      return;
    }
    head += chunk.toString("latin1");
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    const bodyBytes = head.length - end - 4;
    const request = tryBulkRequest(head);
    head = "";
    answer(request, bodyBytes);
  });
}
