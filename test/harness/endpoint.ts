import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { errorCodeOf } from "#model/error-code.ts";
import { closeAtTestEnd } from "./lifetime.ts";
import { parseProxyHeader, type ProxyHeader } from "./proxy-header.ts";

export interface EndpointOptions {
  readonly host?: string;
  readonly port?: number;
  /** A unix socket, in place of host and port. */
  readonly path?: string;
  /** Every connection starts with a PROXY header, which is recorded and kept from the behaviour. */
  readonly expectsProxyHeader?: boolean;
  /** Speaks TLS, as the remote of an egress listener or an endpoint with `endpointTls`. */
  readonly tls?: TlsOptions;
}

/** What an endpoint does with a connection whose PROXY header, if any, was taken off. */
export type Behaviour = (socket: Socket, endpoint: Endpoint) => void;

/** A server in this process that counts what reaches it. */
export class Endpoint implements AsyncDisposable {
  readonly host: string;
  readonly path: string | undefined;
  readonly isTls: boolean;
  port = 0;
  /** Connections so far, and those that are open; with TLS once their handshake is done. */
  accepted = 0;
  readonly open = new Set<Socket>();
  readonly proxyHeaders: ProxyHeader[] = [];
  /** What was wrong on any connection, in order; a reset is `ECONNRESET`. */
  readonly errors: string[] = [];
  readonly #server: Server;
  // With TLS, this includes connections whose handshake is not done.
  readonly #transports = new Set<Socket>();

  constructor(behaviour: Behaviour, options: EndpointOptions) {
    this.host = options.host ?? "127.0.0.1";
    this.path = options.path;
    this.isTls = options.tls !== undefined;
    const onConnection = (socket: Socket): void => {
      this.accepted += 1;
      this.open.add(socket);
      socket.on("close", () => this.open.delete(socket));
      socket.on("error", (error) => this.#note(error));
      if (options.expectsProxyHeader === true) this.#takeHeader(socket, behaviour);
      else behaviour(socket, this);
    };
    this.#server =
      options.tls === undefined
        ? createServer({ allowHalfOpen: true }, onConnection)
        : createTlsServer({ ...options.tls, allowHalfOpen: true } as TlsOptions, onConnection);
    this.#server.on("connection", (transport: Socket) => {
      this.#transports.add(transport);
      transport.on("close", () => this.#transports.delete(transport));
    });
    this.#server.on("tlsClientError", (error: Error) => this.#note(error));
  }

  get isListening(): boolean {
    return this.#server.listening;
  }

  /** The bytes that all open connections together have brought. */
  get bytesReceived(): number {
    return [...this.open].reduce((sum, socket) => sum + socket.bytesRead, 0);
  }

  /** Binds again to the same address after `close`: an endpoint that was down and is up. */
  async listen(port = this.port): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject);
    const target = this.path === undefined ? { host: this.host, port } : { path: this.path };
    this.#server.listen(target, () => resolve());
    await promise;
    this.#server.off("error", reject);
    const bound = this.#server.address();
    if (typeof bound === "object" && bound !== null) this.port = bound.port;
  }

  /** Stops listening and cuts every connection. */
  async close(): Promise<void> {
    for (const socket of this.#transports) socket.destroy();
    if (!this.#server.listening) return;
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Cuts every connection with a RST. */
  resetAll(): void {
    for (const socket of this.#transports) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // This uses `readable` and `read`, because a `data` listener would leave the socket flowing. A behaviour may wrap the
  // socket in TLS.
  #takeHeader(socket: Socket, behaviour: Behaviour): void {
    let held = Buffer.alloc(0);
    const onReadable = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      held = Buffer.concat([held, chunk]);
      try {
        const header = parseProxyHeader(held);
        if (header === undefined) return;
        this.proxyHeaders.push(header);
        socket.off("readable", onReadable);
        if (held.length > header.bytes.length) socket.unshift(held.subarray(header.bytes.length));
        behaviour(socket, this);
      } catch (error) {
        this.#note(error as Error);
        socket.destroy();
      }
    };
    socket.on("readable", onReadable);
  }

  #note(error: Error): void {
    this.errors.push(errorCodeOf(error) ?? error.message);
  }
}

export async function startEndpoint(
  behaviour: Behaviour,
  options: EndpointOptions = {},
): Promise<Endpoint> {
  const endpoint = new Endpoint(behaviour, options);
  closeAtTestEnd(() => endpoint.close());
  await endpoint.listen(options.port ?? 0);
  return endpoint;
}
