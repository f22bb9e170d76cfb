import { connect, createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import { benchServerName } from "../bench-certificate.ts";
import { BenchFailure } from "../bench-failure.ts";
import { cipherSuite, tlsVersion, type Terms } from "./terms.ts";

const handshakeDeadlineMs = 10_000;

export interface Target {
  /** Connections take turns over them. */
  readonly listeners: readonly SocketAddress[];
  readonly chainPem: string;
}

export interface SocketAddress {
  readonly virtualIp: string;
  readonly port: number;
}

/** Built once for a run: the client offers one version, one suite and one group. */
export class TlsClient {
  readonly terms: Terms;
  readonly #listeners: readonly SocketAddress[];
  readonly #secureContext: SecureContext;
  #opened = 0;
  #resumed = 0;

  constructor(target: Target, terms: Terms) {
    this.terms = terms;
    this.#listeners = target.listeners;
    this.#secureContext = createSecureContext({
      ...tlsOptionsOf(target, terms),
      ca: target.chainPem,
    });
  }

  /** Handshakes so far that resumed a session. */
  get resumed(): number {
    return this.#resumed;
  }

  /** Resolves after the handshake, with the certificate verified and the terms checked; later errors go to `onError`. */
  open(onError: (error: Error) => void, session?: Buffer): Promise<TLSSocket> {
    const listener = this.#listeners[this.#opened % this.#listeners.length];
    this.#opened += 1;
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: listener?.virtualIp,
        port: listener?.port,
        servername: benchServerName,
        secureContext: this.#secureContext,
        timeout: handshakeDeadlineMs,
        ...(session && { session }),
      });
      socket.setNoDelay(true);
      socket.once("timeout", () => socket.destroy(new Error("a handshake took over 10 s")));
      socket.on("error", (error) => {
        reject(error);
        onError(error);
      });
      socket.once("secureConnect", () => {
        socket.setTimeout(0);
        this.#resumed += Number(socket.isSessionReused());
        const obstacle = tryDeviation(socket, this.terms);
        if (obstacle === undefined) {
          resolve(socket);
          return;
        }
        socket.destroy();
        reject(new BenchFailure(obstacle));
      });
    });
  }
}

/** What a client offers: nothing but the terms. */
export function tlsOptionsOf(target: Target, { group }: Terms) {
  return {
    ca: target.chainPem,
    minVersion: tlsVersion,
    ciphers: cipherSuite,
    ecdhCurve: group,
  } as const;
}

/** What a finished handshake negotiated besides the terms, in words. */
export function tryDeviation(socket: TLSSocket, terms: Terms): string | undefined {
  const isResumed = socket.isSessionReused();
  const negotiated = [socket.getProtocol(), socket.getCipher().standardName, groupOf(socket)];
  const expected = [tlsVersion, cipherSuite, terms.group];
  if (negotiated.join() !== expected.join()) {
    return `it negotiated ${negotiated.join(", ")} instead of ${expected.join(", ")}`;
  }
  if (!socket.authorized) {
    return "its certificate is not the one it was given";
  }
  if (terms.handshake !== "either" && isResumed !== (terms.handshake === "resumed")) {
    return isResumed ? "it resumed a session" : "it did not resume the session";
  }
  return undefined;
}

function groupOf(socket: TLSSocket): string {
  const exchange: unknown = socket.getEphemeralKeyInfo();
  return typeof exchange === "object" && exchange !== null && "name" in exchange
    ? String(exchange.name)
    : "an unknown group";
}
