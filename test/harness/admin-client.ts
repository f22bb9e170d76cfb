// Not by import, which would load Node's fetch into each test file.
const { request } = process.getBuiltinModule("node:http");

export interface ApiReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Parsed when the reply says that it is JSON, else text. */
  readonly body: unknown;
}

export interface ApiRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, in place of `body`. */
  readonly payload?: string | Uint8Array;
  readonly deadlineMs?: number;
}

/** One HTTP exchange over the admin socket of a director. */
export async function callApi(
  socketPath: string,
  path: string,
  options: ApiRequest = {},
): Promise<ApiReply> {
  const payload =
    options.payload ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  const reply = Promise.withResolvers<ApiReply>();
  const outgoing = request({
    socketPath,
    path,
    method: options.method ?? "GET",
    agent: false,
    signal: AbortSignal.timeout(options.deadlineMs ?? 10_000),
    headers: {
      ...(payload === undefined ? {} : { "content-type": "application/json" }),
      ...options.headers,
    },
  });
  outgoing.once("error", reply.reject);
  outgoing.once("response", (incoming) => {
    let text = "";
    incoming.setEncoding("utf8");
    incoming.on("data", (chunk: string) => {
      text += chunk;
    });
    incoming.once("error", reply.reject);
    incoming.once("end", () => {
      const isJson = /^application\/(?:[a-z-]+\+)?json\b/.test(
        incoming.headers["content-type"] ?? "",
      );
      reply.resolve({
        status: incoming.statusCode ?? 0,
        headers: incoming.headers,
        body: isJson && text !== "" ? (JSON.parse(text) as unknown) : text,
      });
    });
  });
  outgoing.end(payload);
  return reply.promise;
}
