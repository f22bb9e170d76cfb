import type { Socket } from "node:net";
import type { HttpPlan } from "./messages.ts";

/** A request and an answer of 48 bytes each, which load and endpoint exchange. */
export const requestBytes = Buffer.from(
  `GET / HTTP/1.1\r\nhost: ${"keep-alive.bench.test".padStart(22, "a")}\r\n\r\n`,
);
export const answerBody = "012345678";
export const answerBytes = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-length: ${answerBody.length}\r\n\r\n${answerBody}`,
);

/** Downstream: the endpoint sends that many bytes. Upstream: that many bytes follow, and the endpoint then answers. */
export interface BulkRequest {
  readonly direction: "downstream" | "upstream";
  readonly bytes: number;
}

const methods = { downstream: "GET", upstream: "PUT" } as const;

export function bulkRequestOf({ direction, bytes }: BulkRequest): string {
  return `${methods[direction]} /bulk/${bytes} HTTP/1.1\r\n\r\n`;
}

/** Returns undefined if the request is not a bulk request. */
export function tryBulkRequest(head: string): BulkRequest | undefined {
  const [, method, bytes] = /^(GET|PUT) \/bulk\/(\d+) /.exec(head) ?? [];
  if (method === undefined) return undefined;
  return {
    direction: method === methods.upstream ? "upstream" : "downstream",
    bytes: Number(bytes),
  };
}

/** The fields that Chromium sends with a request for a page. */
const browserFields = [
  'sec-ch-ua: "Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"',
  "sec-ch-ua-mobile: ?0",
  'sec-ch-ua-platform: "Linux"',
  "upgrade-insecure-requests: 1",
  "user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
  "accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "sec-fetch-site: same-origin",
  "sec-fetch-mode: navigate",
  "sec-fetch-dest: document",
  "accept-encoding: gzip, deflate, br, zstd",
  "accept-language: en-US,en;q=0.9",
];

export function httpRequestOf({ request, bodyBytes }: HttpPlan): Buffer {
  const fields = ["host: bench.test", ...(request === "browser" ? browserFields : [])];
  return Buffer.from(`GET /body/${bodyBytes} HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n`);
}

/** Returns undefined if the request is not one of `httpRequestOf`. */
export function tryBodyBytes(head: string): number | undefined {
  const [, bytes] = /^GET \/body\/(\d+) /.exec(head) ?? [];
  return bytes === undefined ? undefined : Number(bytes);
}

/** An answer with a body of that many bytes. Its head is as short as that of `answerBytes`. */
export function httpAnswerOf(bodyBytes: number): Buffer {
  const head = `HTTP/1.1 200 OK\r\ncontent-length: ${bodyBytes}\r\n\r\n`;
  return Buffer.from(head + "0123456789".repeat(Math.ceil(bodyBytes / 10)).slice(0, bodyBytes));
}

/** A request for a WebSocket (RFC 6455 section 1.2), with the key of the RFC. */
export const upgradeBytes = Buffer.from(
  "GET /echo HTTP/1.1\r\nhost: bench.test\r\nconnection: Upgrade\r\nupgrade: websocket\r\n" +
    "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
);
/** The answer to it. After it, the endpoint sends back whatever arrives. */
export const switchBytes = Buffer.from(
  "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n" +
    "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
);
const messagePayloadBytes = 42;
/** A binary message of 48 bytes in one frame (RFC 6455 section 5.2), with the mask 0. */
export const messageBytes = Buffer.from([
  ...[0x82, 0x80 + messagePayloadBytes, 0, 0, 0, 0],
  ...Buffer.alloc(messagePayloadBytes, "tls-director"),
]);

const block = Buffer.alloc(256 * 1024, "tls-director");

/** Writes that many bytes as fast as the socket accepts them. */
export function writeBlocks(socket: Socket, bytes: number): void {
  let remaining = bytes;
  while (remaining > 0) {
    const part = remaining < block.length ? block.subarray(0, remaining) : block;
    remaining -= part.length;
    if (!socket.write(part)) {
      socket.once("drain", () => writeBlocks(socket, remaining));
      return;
    }
  }
}
