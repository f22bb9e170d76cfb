import type { Socket } from "node:net";

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
