import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Keeps at most `most` connections to a server. A new one is always taken, and pushes out another: first the one that has
 * been without a request for longest, whether it has sent none, part of one, or is kept alive; when all are in the
 * middle of an exchange, the one that sent its request first. So no client can lock others out by holding connections open.
 */
export function boundConnections(server: Server, most: number): void {
  // Each in the order in which they came to be so.
  const waiting = new Set<Socket>();
  const exchanging = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    if (waiting.size + exchanging.size >= most) {
      const [longest] = waiting.size > 0 ? waiting : exchanging;
      // Its `close` comes later, and more connections may come before.
      if (longest !== undefined) forget(longest);
      longest?.destroy();
    }
    waiting.add(socket);
    socket.once("close", () => forget(socket));
  });
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    if (!waiting.delete(socket)) return;
    exchanging.add(socket);
    response.once("close", () => {
      if (exchanging.delete(socket) && !socket.destroyed) waiting.add(socket);
    });
  });
  const forget = (socket: Socket): void => {
    waiting.delete(socket);
    exchanging.delete(socket);
  };
}
