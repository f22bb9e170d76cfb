import type { IncomingMessage, ServerResponse } from "node:http";
import { startEndpoint, type Endpoint, type EndpointOptions } from "./endpoint.ts";
import { sendPattern } from "./flow.ts";

// Not by import, which would load Node's fetch into each test file.
const { createServer } = process.getBuiltinModule("node:http");

/** The endpoint has noted it. */
const noMatter = (): void => undefined;

/** Sends back what it gets and ends when the client has ended. */
export function startEchoEndpoint(options?: EndpointOptions): Promise<Endpoint> {
  return startEndpoint((socket) => {
    socket.on("data", (chunk) => {
      if (!socket.write(chunk)) socket.pause();
    });
    socket.on("drain", () => socket.resume());
    socket.on("end", () => socket.end());
  }, options);
}

export type HttpAnswer = string | ((request: IncomingMessage, response: ServerResponse) => void);

/** HTTP/1.1 with keep-alive, for as long as the client wants; text is the body of every answer. */
export function startHttpEndpoint(
  answer: HttpAnswer = "hello\n",
  options?: EndpointOptions,
): Promise<Endpoint> {
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    request.resume();
    if (typeof answer === "string") response.end(answer);
    else answer(request, response);
  });
  return startEndpoint((socket) => void server.emit("connection", socket), options);
}

/** Accepts and never reads. `endpoint.open` gives the sockets, to `resume()` them later. */
export function startSinkEndpoint(options?: EndpointOptions): Promise<Endpoint> {
  return startEndpoint((socket) => void socket.pause(), options);
}

/** Reads all, answers nothing and ends when the client has ended. */
export function startSwallowingEndpoint(options?: EndpointOptions): Promise<Endpoint> {
  return startEndpoint((socket) => {
    socket.on("end", () => socket.end());
    socket.resume();
  }, options);
}

/** Sends the first `bytes` of the pattern (pattern.ts) as soon as it is connected, then ends its side. */
export function startSourceEndpoint(bytes: number, options?: EndpointOptions): Promise<Endpoint> {
  return startEndpoint((socket) => {
    void sendPattern(socket, bytes).sent.then(() => socket.end(), noMatter);
    socket.resume();
  }, options);
}

/** Waits for the client's half-close, then answers what `answer` makes of all that came, and ends. */
export function startHalfCloseEndpoint(
  answer: (received: Buffer) => string | Uint8Array,
  options?: EndpointOptions,
): Promise<Endpoint> {
  return startEndpoint((socket) => {
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => void chunks.push(chunk));
    socket.on("end", () => socket.end(answer(Buffer.concat(chunks))));
  }, options);
}

/** At the first bytes from the client sends `bytes` of the pattern, then cuts the connection with a RST. */
export function startResettingEndpoint(
  bytes: number,
  options?: EndpointOptions,
): Promise<Endpoint> {
  return startEndpoint((socket) => {
    socket.once("data", () => {
      void sendPattern(socket, bytes).sent.then(() => socket.resetAndDestroy(), noMatter);
    });
  }, options);
}
