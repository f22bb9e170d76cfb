import type { BunError, BunSocket } from "./bun-native.ts";
import { peerCertificateOf } from "./peer-certificate.ts";
import type {
  PeerCertificate,
  TlsFacts,
  TlsSocket,
  WireFailure,
  WireHandler,
  WireSocket,
} from "./wire.ts";

/** Listens until the next stage does. */
const SILENT: WireHandler = { onOpen() {}, onData() {}, onDrain() {}, onEnd() {}, onClose() {} };

/** BoringSSL's reason in Bun's words, `error:100000b8:SSL routines:OPENSSL_internal:NO_SHARED_CIPHER`. */
const SSL_REASON = /^error:[0-9a-f]+:[^:]*:[^:]*:([A-Z0-9_/]+)$/i;

/** The code that node:tls would give. */
export function failureOf(error: BunError | null | undefined): WireFailure | undefined {
  if (error === null || error === undefined) return undefined;
  const detail = error.message ?? "";
  const reason = SSL_REASON.exec(detail)?.[1];
  const code = reason === undefined ? error.code : `ERR_SSL_${reason}`;
  return { code: code ?? "UNKNOWN", detail };
}

/**
 * A socket of Bun's own, without node streams: what `write` did not take is kept here, and what arrives while it is
 * paused waits here.
 */
export class NativeSocket implements TlsSocket {
  handler: WireHandler = SILENT;
  readonly peerAddress: string;
  readonly peerPort: number;
  readonly localPort: number;
  queuedBytes = 0;
  /** Undefined while it connects. */
  socket: BunSocket<NativeSocket> | undefined;
  verifyError: string | undefined;
  #queue: Uint8Array[] = [];
  /** Read by the engine before it was paused, and told when it resumes. */
  #early: Buffer[] = [];
  #isPaused = true;
  #isEnding = false;
  #isEndUntold = false;
  #isClosed = false;
  #failure: WireFailure | undefined;

  constructor(socket: BunSocket<NativeSocket> | undefined, from?: WireSocket) {
    this.socket = socket;
    const source = from ?? {
      peerAddress: socket?.remoteAddress ?? "",
      peerPort: socket?.remotePort ?? 0,
      localPort: socket?.localPort ?? 0,
    };
    this.peerAddress = source.peerAddress;
    this.peerPort = source.peerPort;
    this.localPort = source.localPort;
  }

  get hasFinished(): boolean {
    return this.#isEnding && this.#queue.length === 0;
  }

  write(chunk: Uint8Array): boolean {
    const { socket } = this;
    if (socket === undefined || this.#isClosed) return true;
    if (this.#queue.length > 0) {
      this.#keep(chunk);
      return false;
    }
    const taken = Math.max(0, socket.write(chunk));
    if (taken === chunk.length) return true;
    this.#keep(chunk.subarray(taken));
    return false;
  }

  #keep(chunk: Uint8Array): void {
    this.#queue.push(chunk);
    this.queuedBytes += chunk.length;
  }

  resume(): void {
    this.#isPaused = false;
    const early = this.#early;
    if (early.length > 0) {
      this.#early = [];
      for (const chunk of early) this.received(chunk);
    }
    if (this.#isPaused || this.#isClosed) return;
    this.socket?.resume();
    if (!this.#isEndUntold) return;
    this.#isEndUntold = false;
    this.handler.onEnd();
  }

  pause(): void {
    this.#isPaused = true;
    this.socket?.pause();
  }

  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    if (this.#queue.length === 0) this.socket?.shutdown();
  }

  reset(): void {
    this.#close((socket) => socket.terminate());
  }

  destroy(): void {
    this.#close((socket) => socket.close());
  }

  connected(socket: BunSocket<NativeSocket>): void {
    if (this.#isClosed) {
      socket.terminate();
      return;
    }
    this.socket = socket;
    socket.pause();
    this.handler.onOpen();
  }

  /** The TLS half takes the engine's socket; what this one still hears is ciphertext, and the TLS half's end. */
  handOver(): BunSocket<NativeSocket> | undefined {
    const { socket } = this;
    this.handler = SILENT;
    this.#isClosed = true;
    this.socket = undefined;
    return socket;
  }

  received(chunk: Buffer): void {
    if (this.#isClosed) return;
    if (this.#isPaused) this.#early.push(chunk);
    else this.handler.onData(chunk);
  }

  drained(): void {
    const { socket } = this;
    if (socket === undefined || this.#queue.length === 0) return;
    const queue = this.#queue;
    let sent = 0;
    for (const chunk of queue) {
      const taken = Math.max(0, socket.write(chunk));
      this.queuedBytes -= taken;
      if (taken < chunk.length) {
        queue[sent] = chunk.subarray(taken);
        break;
      }
      sent += 1;
    }
    queue.splice(0, sent);
    if (queue.length > 0) return;
    if (this.#isEnding) socket.shutdown();
    this.handler.onDrain();
  }

  ended(): void {
    if (this.#isPaused) this.#isEndUntold = true;
    else this.handler.onEnd();
  }

  failed(failure: WireFailure | undefined): void {
    this.#failure ??= failure;
  }

  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { handler } = this;
    this.handler = SILENT;
    this.#queue = [];
    this.#early = [];
    this.queuedBytes = 0;
    handler.onClose(this.#failure);
  }

  /** The close is told later, as an engine's socket would. */
  #close(close: (socket: BunSocket<NativeSocket>) => void): void {
    if (this.#isClosed) return;
    this.#queue = [];
    this.#early = [];
    this.#isPaused = true;
    const { socket } = this;
    if (socket !== undefined) close(socket);
    queueMicrotask(() => this.closed());
  }

  facts(): TlsFacts {
    const { socket } = this;
    const alpn = socket?.alpnProtocol;
    return {
      version: socket?.getTLSVersion() ?? "unknown",
      cipherSuite: socket?.getCipher()?.name ?? "unknown",
      alpn: typeof alpn === "string" ? alpn : undefined,
      isResumed: socket?.isSessionReused() ?? false,
      group: undefined,
    };
  }

  peerCertificate(): PeerCertificate | undefined {
    const certificate = this.socket?.getPeerCertificate();
    return certificate === undefined ? undefined : peerCertificateOf(certificate, this.verifyError);
  }
}
