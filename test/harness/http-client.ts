import type { IncomingHttpHeaders } from "node:http";
import { text } from "node:stream/consumers";

// Not by import, which would load Node's fetch into each test file.
const { request } = process.getBuiltinModule("node:http");

export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One plain HTTP exchange on a connection of its own. Rejects with the system's error, e.g. ECONNREFUSED. */
export async function httpRequest(
  target: { readonly host: string; readonly port: number },
  path: string,
  method = "GET",
  deadlineMs = 5_000,
): Promise<HttpReply> {
  const reply = Promise.withResolvers<HttpReply>();
  const signal = AbortSignal.timeout(deadlineMs);
  const sent = request({ ...target, path, method, agent: false, signal }, (incoming) => {
    const { statusCode: status = 0, headers } = incoming;
    text(incoming).then((body) => reply.resolve({ status, headers, body }), reply.reject);
  });
  sent.once("error", reply.reject);
  sent.end();
  return reply.promise;
}
