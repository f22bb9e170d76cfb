import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { requestFieldsOf, untilSent } from "./http2-client.ts";
import type { MemoryHttp } from "./memory-http.ts";

/** The head of an extended CONNECT for a WebSocket (RFC 8441 section 5). */
export const webSocketFieldsOf = (
  more: Readonly<Record<string, string | undefined>> = {},
): ReturnType<typeof requestFieldsOf> =>
  requestFieldsOf({
    ":method": "CONNECT",
    ":protocol": "websocket",
    ":path": "/chat",
    "sec-websocket-version": "13",
    ...more,
  });

/** Accepts the request for a WebSocket that the endpoint has got last. The endpoint sends `after` at once. */
export async function acceptWebSocket(http: MemoryHttp, after = ""): Promise<void> {
  const endpoint = http.endpoint();
  const request = endpoint.take();
  assert.match(request, /^GET \/chat HTTP\/1\.1\r\nhost: a\r\n/);
  assert.match(request, /\r\nconnection: Upgrade\r\nupgrade: websocket\r\n/);
  const key = /sec-websocket-key: (.*)\r\n/.exec(request)?.[1];
  const digest = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  await endpoint.send(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${digest.digest("base64")}\r\nsec-websocket-protocol: x\r\n\r\n${after}`,
  );
  await untilSent();
}
