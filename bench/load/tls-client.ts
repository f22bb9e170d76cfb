import { connect, createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import { BenchFailure } from "../bench-failure.ts";
import {
  benchServerName,
  cipherSuite,
  tlsVersion,
  type Target,
  type TlsParameters,
} from "./messages.ts";

const handshakeDeadlineMs = 10_000;

/** A client that offers one TLS version, one cipher suite and one group. It is built once for a run. */
export class TlsClient {
  readonly tls: TlsParameters;
  readonly #listeners: Target["listeners"];
  readonly #secureContext: SecureContext;
  #opened = 0;
  #resumed = 0;

  constructor(target: Target, tls: TlsParameters) {
    this.tls = tls;
    this.#listeners = target.listeners;
    this.#secureContext = createSecureContext(tlsOptionsOf(target, tls));
  }

  /** How many handshakes have resumed a session. */
  get resumed(): number {
    return this.#resumed;
  }

  /** Resolves after a handshake that negotiated `tls`. Errors that happen later are passed to `onError`. */
  open(onError: (error: Error) => void, session?: Buffer): Promise<TLSSocket> {
    const listener = this.#listeners[this.#opened % this.#listeners.length];
    this.#opened += 1;
    const { alpn } = this.tls;
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: listener?.virtualIp,
        port: listener?.port,
        servername: benchServerName,
        secureContext: this.#secureContext,
        ALPNProtocols: alpn === undefined ? [] : [alpn],
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
        const mismatch = findMismatch(socket, this.tls);
        if (mismatch === undefined) {
          resolve(socket);
          return;
        }
        socket.destroy();
        reject(new BenchFailure(mismatch));
      });
    });
  }
}

export function tlsOptionsOf(target: Target, { group }: TlsParameters) {
  return {
    ca: target.caPem,
    minVersion: tlsVersion,
    ciphers: cipherSuite,
    ecdhCurve: group,
  } as const;
}

/** Describes how a finished handshake differs from `tls`. Returns undefined if it does not. */
export function findMismatch(socket: TLSSocket, tls: TlsParameters): string | undefined {
  const isResumed = socket.isSessionReused();
  const { standardName } = socket.getCipher();
  const alpn = socket.alpnProtocol || "no ALPN";
  const negotiated = [socket.getProtocol(), standardName, groupOf(socket), alpn];
  const expected = [tlsVersion, cipherSuite, tls.group, tls.alpn ?? "no ALPN"];
  if (negotiated.join() !== expected.join()) {
    return `it negotiated ${negotiated.join(", ")} instead of ${expected.join(", ")}`;
  }
  if (!socket.authorized) return "it presented a certificate that is not the one it was given";
  if (tls.handshake !== "either" && isResumed !== (tls.handshake === "resumed")) {
    return isResumed ? "it resumed a session" : "it did not resume the session";
  }
  return undefined;
}

function groupOf(socket: TLSSocket): string {
  const key = socket.getEphemeralKeyInfo();
  return (key !== null && "name" in key && key.name) || "an unknown group";
}
