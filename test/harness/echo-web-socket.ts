import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

/** RFC 6455 section 1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** The opcode of a frame that closes the connection (RFC 6455 section 5.5.1). */
const CLOSE = 8;

/** Accepts the upgrade of a request, and sends each frame of up to 125 bytes back. */
export function echoWebSocket(request: IncomingMessage, stream: Duplex): void {
  const accept = createHash("sha1")
    .update(`${request.headers["sec-websocket-key"] ?? ""}${GUID}`)
    .digest("base64");
  const fields = ["upgrade: websocket", "connection: upgrade", `sec-websocket-accept: ${accept}`];
  stream.write(`HTTP/1.1 101 Switching Protocols\r\n${fields.join("\r\n")}\r\n\r\n`);
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
  stream.on("error", () => stream.destroy());
}
