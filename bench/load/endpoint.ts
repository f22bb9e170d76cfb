import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import {
  answerBytes,
  httpAnswerOf,
  requestBytes,
  switchBytes,
  tryBodyBytes,
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

const answers = new Map<number, Buffer>();

/** Returns the same buffer each time, so that building an answer takes no time from the load. */
function answerWith(bodyBytes: number): Buffer {
  const answer = answers.get(bodyBytes) ?? httpAnswerOf(bodyBytes);
  answers.set(bodyBytes, answer);
  return answer;
}

/** Answers one request after the other. The bytes of an upload are counted and discarded, those of a WebSocket sent back. */
function serve(socket: Socket): void {
  let head = "";
  let awaitedBytes = 0;
  let isWebSocket = false;

  function answer(whole: string, bodyBytes: number): void {
    const askedBytes = tryBodyBytes(whole);
    if (askedBytes !== undefined) {
      socket.write(answerWith(askedBytes));
    } else if (/^upgrade: *websocket/im.test(whole)) {
      isWebSocket = true;
      socket.write(switchBytes);
    } else answerBulk(tryBulkRequest(whole), bodyBytes);
  }
  function answerBulk(request: BulkRequest | undefined, bodyBytes: number): void {
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
    if (isWebSocket) {
      socket.write(chunk);
      return;
    }
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
    const whole = head;
    head = "";
    answer(whole, bodyBytes);
  });
}
