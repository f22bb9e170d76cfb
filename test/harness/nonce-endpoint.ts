import type { IncomingMessage, ServerResponse } from "node:http";
import { echoWebSocket } from "./echo-web-socket.ts";
import { startEndpoint, type Endpoint, type EndpointOptions } from "./endpoint.ts";

// Not by import, which would load Node's fetch into each test file.
const { createServer } = process.getBuiltinModule("node:http");

/** The field by which a client names its request, and the endpoint its answer. */
export const NONCE = "x-nonce";

/** What became of a request at the endpoints. */
interface Arrival {
  times: number;
  /** Whether an endpoint was killed or reset before it had sent its answer. */
  wasCut: boolean;
}

/** What arrived at all endpoints of a test, by the nonce of the request. */
export class Arrivals {
  readonly #arrivals = new Map<string, Arrival>();

  /** Returns what arrived, and forgets it, so that a long run keeps nothing of requests that are done. */
  take(nonce: string): Readonly<Arrival> {
    const arrival = this.#arrivals.get(nonce) ?? { times: 0, wasCut: false };
    this.#arrivals.delete(nonce);
    return arrival;
  }

  get count(): number {
    return this.#arrivals.size;
  }

  add(nonce: string, response: ServerResponse): void {
    const arrival = this.#arrivals.get(nonce) ?? { times: 0, wasCut: false };
    arrival.times += 1;
    this.#arrivals.set(nonce, arrival);
    response.on("close", () => {
      if (!response.writableFinished) arrival.wasCut = true;
    });
  }
}

/**
 * An HTTP endpoint that answers with the nonce of the request in a field and with nonce and body in the body, and that closes
 * idle connections after `keepAliveMs`. It echoes WebSocket frames.
 */
export function startNonceEndpoint(
  arrivals: Arrivals,
  keepAliveMs: number,
  options: EndpointOptions,
): Promise<Endpoint> {
  const server = createServer(
    { keepAliveTimeout: keepAliveMs, keepAliveTimeoutBuffer: 0 },
    (request, response) => answer(arrivals, request, response),
  );
  server.on("upgrade", echoWebSocket);
  return startEndpoint((socket) => void server.emit("connection", socket), options);
}

function answer(arrivals: Arrivals, request: IncomingMessage, response: ServerResponse): void {
  const nonce = String(request.headers[NONCE]);
  arrivals.add(nonce, response);
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => void parts.push(part));
  request.on("error", () => response.destroy());
  request.on("end", () => {
    const body = `${nonce} ${Buffer.concat(parts).toString()}`;
    // With this field, Node does not announce its keep-alive time.
    response.setHeader("connection", "keep-alive").setHeader(NONCE, nonce);
    // Every second answer is chunked.
    if (nonce.endsWith("0")) response.setHeader("content-length", body.length);
    response.end(body);
  });
}
