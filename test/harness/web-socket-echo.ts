import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { startEndpoint, type Endpoint } from "./endpoint.ts";

/** RFC 6455 section 1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** The opcode of a frame that closes the connection (RFC 6455 section 5.5.1). */
const CLOSE = 8;

/** A WebSocket server that sends back each frame of up to 125 bytes. It answers other requests with 426. */
export function startWebSocketEcho(): Promise<Endpoint> {
  const server = createServer((_request, response) => response.writeHead(426).end());
  server.on("upgrade", (request, stream) => {
    const accept = createHash("sha1")
      .update(`${request.headers["sec-websocket-key"] ?? ""}${GUID}`)
      .digest("base64");
    stream.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
    );
    echoFrames(stream as Socket);
  });
  return startEndpoint((socket) => void server.emit("connection", socket));
}

function echoFrames(stream: Socket): void {
  let bytes = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (;;) {
      const length = (bytes[1] ?? 0) & 0x7f;
      if (bytes.length < 6 + length) return;
      const mask = bytes.subarray(2, 6);
      const payload = bytes.subarray(6, 6 + length).map((byte, at) => byte ^ (mask[at % 4] ?? 0));
      stream.write(Buffer.concat([Buffer.of(bytes[0] ?? 0, length), payload]));
      if (((bytes[0] ?? 0) & 0x0f) === CLOSE) stream.end();
      bytes = bytes.subarray(6 + length);
    }
  });
  stream.on("end", () => stream.end());
}
