/** What load and endpoint agree on: a 48-byte request, a 48-byte answer and the bulk requests. */
export const requestBytes = Buffer.from(
  `GET / HTTP/1.1\r\nhost: ${"keep-alive.bench.test".padStart(22, "a")}\r\n\r\n`,
);
export const answerBody = "012345678";
export const answerBytes = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-length: ${answerBody.length}\r\n\r\n${answerBody}`,
);

/** Asks for that many bytes, with no head before them; or says that so many follow and asks for the answer then. */
export interface BulkRequest {
  readonly direction: "downstream" | "upstream";
  readonly bytes: number;
}

const methods = { downstream: "GET", upstream: "PUT" } as const;

export function bulkRequestOf({ direction, bytes }: BulkRequest): string {
  return `${methods[direction]} /bulk/${bytes} HTTP/1.1\r\n\r\n`;
}

/** Undefined when a request's head is of another kind. */
export function tryBulkRequest(head: string): BulkRequest | undefined {
  const [, method, bytes] = /^(GET|PUT) \/bulk\/(\d+) /.exec(head) ?? [];
  return method === undefined
    ? undefined
    : { direction: method === methods.upstream ? "upstream" : "downstream", bytes: Number(bytes) };
}
