import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { connect, type ConnectionOptions, type PeerCertificate, type TLSSocket } from "node:tls";
import { eventually, withDeadline } from "./deadline.ts";
import { closeAtTestEnd } from "./lifetime.ts";
import { connectSocket, SocketClient, type RawConnectOptions } from "./socket-client.ts";

export type TlsConnectOptions = RawConnectOptions &
  Omit<ConnectionOptions, "host" | "port" | "path" | "socket" | "timeout"> & {
    /** Sent in the same packet, ahead of the ClientHello. */
    readonly prefix?: Uint8Array;
    /** How the ClientHello leaves instead: each piece in a packet of its own, one after the other. */
    readonly cutHello?: (hello: Buffer) => Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
    /** Handshake over a connection that is there, e.g. after a PROXY header in a packet of its own. */
    readonly over?: SocketClient;
  };

export interface TlsFacts {
  readonly protocol: string;
  /** The OpenSSL name of the cipher suite. */
  readonly cipher: string;
  /** The OpenSSL name of the key exchange group. In a resumed TLS 1.2 handshake, it is the group of the session. */
  readonly group: string | undefined;
  readonly alpn: string | undefined;
  readonly isResumed: boolean;
  readonly peerCertificate: PeerCertificate;
}

export class TlsClient extends SocketClient<TLSSocket> {
  readonly #sessions: Buffer[] = [];

  constructor(socket: TLSSocket, transport: Socket) {
    super(socket, transport);
    socket.on("session", (session: Buffer) => this.#sessions.push(session));
  }

  get facts(): TlsFacts {
    const key = this.socket.getEphemeralKeyInfo();
    const alpn = this.socket.alpnProtocol;
    return {
      protocol: this.socket.getProtocol() ?? "none",
      cipher: this.socket.getCipher().name,
      group: key !== null && "name" in key ? key.name : undefined,
      alpn: typeof alpn === "string" ? alpn : undefined,
      isResumed: this.socket.isSessionReused(),
      peerCertificate: this.socket.getPeerCertificate(),
    };
  }

  /** The newest session, for the option `session` of another connection. TLS 1.3 sends it after the handshake. */
  session(deadlineMs = 5_000): Promise<Buffer> {
    return eventually(() => this.#sessions.at(-1), deadlineMs, "a session ticket");
  }
}

/**
 * A TLS connection that is established. The certificate is verified against `ca`, for `servername`. Rejects with the
 * error of the handshake, whose `code` names the alert, e.g. ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION. A TLS 1.3 server
 * refuses a client certificate only after that: the first read fails.
 */
export async function tlsConnect(options: TlsConnectOptions): Promise<TlsClient> {
  const { prefix, deadlineMs, over } = options;
  const cutHello =
    options.cutHello ?? (prefix && ((hello: Buffer) => [Buffer.concat([prefix, hello])]));
  const transport = over?.socket ?? connectSocket(options);
  // Node ignores host, port and path if there is a `socket`.
  const tlsOptions: ConnectionOptions = {
    minVersion: "TLSv1.2",
    ...options,
    socket: cutHello === undefined ? transport : cuttingTransport(transport, cutHello),
  };
  const socket = connect(tlsOptions);
  const client = new TlsClient(socket, transport);
  closeAtTestEnd(() => client[Symbol.asyncDispose]());
  const established = Promise.withResolvers<void>();
  socket.once("secureConnect", () => established.resolve());
  socket.once("error", established.reject);
  transport.once("error", established.reject);
  socket.once("close", () => established.reject(new Error("closed during the handshake")));
  try {
    await withDeadline(established.promise, deadlineMs ?? 10_000, "a TLS connection");
  } catch (error) {
    await client[Symbol.asyncDispose]();
    throw error;
  }
  // Node tells of the handshake from within OpenSSL, and crashes when the test then destroys the socket at once.
  await nextTurn();
  return client;
}

/** The ClientHello that a client with these options sends, as it comes off the wire. */
export async function captureHello(options: ConnectionOptions): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const transport = new Duplex({ read() {}, write: (chunk: Buffer) => resolve(chunk) });
  const socket = connect({ ...options, socket: transport });
  try {
    return await withDeadline(promise, 5_000, "a ClientHello");
  } finally {
    socket.destroy();
  }
}

/** Lets the first write, the ClientHello, leave in other pieces. */
function cuttingTransport(
  transport: Socket,
  cutHello: NonNullable<TlsConnectOptions["cutHello"]>,
): Duplex {
  let isHelloSent = false;
  const sendPieces = async (hello: Buffer, done: () => void): Promise<void> => {
    transport.setNoDelay(true);
    for await (const piece of cutHello(hello)) {
      await new Promise((resolve) => transport.write(piece, resolve));
      await nextTurn();
    }
    done();
  };
  transport.pause();
  const duplex: Duplex = new Duplex({
    read: () => void transport.resume(),
    write(chunk: Buffer, _encoding, done) {
      if (isHelloSent) {
        transport.write(chunk, (error) => done(error ?? null));
        return;
      }
      isHelloSent = true;
      sendPieces(chunk, done).catch((error: Error) => duplex.destroy(error));
    },
    final: (done) => void transport.end(() => done()),
    destroy(error, done) {
      transport.destroy();
      done(error);
    },
  });
  transport.on("data", (chunk) => {
    if (!duplex.push(chunk)) transport.pause();
  });
  transport.on("end", () => duplex.push(null));
  transport.on("error", (error) => duplex.destroy(error));
  transport.on("close", () => duplex.destroy());
  return duplex;
}
