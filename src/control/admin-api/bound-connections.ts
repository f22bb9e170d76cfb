import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Keeps at most `most` connections to a server. At that number, a new connection is accepted and another is closed: the one
 * that has waited for a complete request for longest or, if all are in an exchange, the one with the oldest request. So no
 * client can lock out others by keeping connections open.
 */
export function boundConnections(server: Server, most: number): void {
  // A set keeps the order in which connections were added, so the first is the longest in this state.
  const waiting = new Set<Socket>();
  const exchanging = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    if (waiting.size + exchanging.size >= most) {
      const [longest] = waiting.size > 0 ? waiting : exchanging;
      // It is removed now, because more connections may arrive before its event `close`.
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
