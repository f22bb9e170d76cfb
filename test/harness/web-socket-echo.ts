import { createServer } from "node:http";
import { echoWebSocket } from "./echo-web-socket.ts";
import { startEndpoint, type Endpoint } from "./endpoint.ts";

/** A WebSocket server that sends back each frame of up to 125 bytes. It answers other requests with 426. */
export function startWebSocketEcho(): Promise<Endpoint> {
  const server = createServer((_request, response) => response.writeHead(426).end());
  server.on("upgrade", echoWebSocket);
  return startEndpoint((socket) => void server.emit("connection", socket));
}
