/** The 48-byte request, the 48-byte answer and the bulk request that load and endpoint agree on. */
export const requestBytes = Buffer.from(
  `GET / HTTP/1.1\r\nhost: ${"keep-alive.bench.test".padStart(22, "a")}\r\n\r\n`,
);
export const answerBytes = Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789");

const bulkPrefix = "GET /bulk/";

/** Asks for that many bytes, with no head before them. */
export function bulkRequestOf(bytes: number): string {
  return `${bulkPrefix}${bytes} HTTP/1.1\r\n\r\n`;
}

/** How many bytes a request asks for; undefined when it is not a bulk request. */
export function tryBulkBytes(request: Buffer): number | undefined {
  const text = request.toString("latin1", 0, 64);
  return text.startsWith(bulkPrefix)
    ? Number.parseInt(text.slice(bulkPrefix.length), 10)
    : undefined;
}
