import { connect, type NetConnectOpts, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { errorCodeOf } from "#model/error-code.ts";
import { ByteReader } from "./byte-reader.ts";
import { withDeadline } from "./deadline.ts";
import { closeAtTestEnd } from "./lifetime.ts";

export interface RawConnectOptions {
  readonly host?: string;
  readonly port?: number;
  /** A unix socket, in place of host and port. */
  readonly path?: string;
  /** Any 127.x.y.z, to look like another client. */
  readonly localAddress?: string;
  readonly deadlineMs?: number;
}

/** One side of a connection; it answers a half-close of the peer only when told to. */
export class SocketClient<S extends Socket = Socket> implements AsyncDisposable {
  readonly socket: S;
  /** Takes bytes only when asked to. */
  readonly read: ByteReader;
  readonly #transport: Socket;
  #clientPort = 0;

  constructor(socket: S, transport: Socket = socket) {
    this.socket = socket;
    this.#transport = transport;
    this.read = new ByteReader(socket);
    transport.once("connect", () => {
      this.#clientPort = transport.localPort ?? 0;
    });
  }

  /** Still known when the connection has ended. */
  get clientPort(): number {
    return this.#transport.localPort ?? this.#clientPort;
  }

  /** Resolves when the bytes have left this process: never, while the peer does not read. */
  async send(data: string | Uint8Array): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.socket.write(data, (error) => (error ? reject(error) : resolve()));
    await promise;
  }

  async sendByteByByte(data: string | Uint8Array): Promise<void> {
    this.#transport.setNoDelay(true);
    for (const byte of Buffer.from(data)) {
      await this.send(Uint8Array.of(byte));
      await nextTurn();
    }
  }

  /** Half-close: what the peer sends can still be read. */
  end(): void {
    this.socket.end();
  }

  /** FIN without close_notify, as a client process that dies: nothing is read any more. */
  drop(): void {
    this.#transport.destroy();
  }

  /**
   * RST in place of FIN, a turn later: Node crashes when the transport of a TLS socket goes in the turn in which the
   * handshake is done, as OpenSSL is not out of it yet.
   */
  reset(): void {
    setImmediate(() => {
      this.#transport.resetAndDestroy();
      this.socket.destroy();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    this.#transport.destroy();
    await Promise.resolve();
  }
}

/** A plain TCP or unix connection, silent until told to send. Rejects with the system's error, e.g. ECONNREFUSED. */
export async function rawConnect(options: RawConnectOptions): Promise<SocketClient> {
  const client = new SocketClient(connectSocket(options));
  const connected = Promise.withResolvers<void>();
  client.socket.once("connect", () => connected.resolve());
  client.socket.once("error", connected.reject);
  closeAtTestEnd(() => client[Symbol.asyncDispose]());
  await withDeadline(connected.promise, options.deadlineMs ?? 5_000, "a TCP connection");
  return client;
}

/**
 * How a connection ends that the peer closes, whatever was said to it, and how many bytes came before: a reset may be
 * there before this side has seen its connection open.
 */
export async function rejectedConnect(
  options: RawConnectOptions,
  words = "",
): Promise<{ readonly outcome: string; readonly received: number }> {
  try {
    await using client = await rawConnect(options);
    if (words !== "") client.socket.write(words);
    return { outcome: await client.read.outcome(), received: client.read.received };
  } catch (error) {
    const outcome = errorCodeOf(error);
    if (outcome === undefined) throw error;
    return { outcome, received: 0 };
  }
}

export function connectSocket(options: RawConnectOptions): Socket {
  const { path, localAddress } = options;
  const target: NetConnectOpts =
    path === undefined
      ? {
          host: options.host ?? "127.0.0.1",
          port: options.port ?? 0,
          ...(localAddress === undefined ? {} : { localAddress }),
        }
      : { path };
  return connect({ ...target, allowHalfOpen: true });
}
