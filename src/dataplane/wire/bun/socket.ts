import type { BunSocket } from "./native-api.ts";
import type { Connectable, Connecting } from "./connect.ts";
import { BROKEN_OFF, tlsFactsOf } from "./tls-facts.ts";
import { peerCertificateOf, rootOf } from "../peer-certificate.ts";
import {
  HIGH_WATER_MARK_BYTES,
  SILENT,
  type PeerCertificate,
  type TlsFacts,
  type TlsSocket,
  type WireFailure,
  type WireHandler,
} from "../wire.ts";

/**
 * BoringSSL sends the two session tickets of TLS 1.3, each with the peer's certificates, in one buffer with the first
 * data. If that buffer exceeds 65,535 bytes, it never writes again. Up to the first length, data of any size can follow
 * the tickets, up to the second a single byte.
 */
const MAX_CHAIN_BYTES_WITH_DATA = 24_000;
const MAX_CHAIN_BYTES = 32_000;

/** A listener that must receive the data of its accepted sockets until TLS has started on them. */
interface RawSocketOwner {
  rawSocketGone(): void;
}

/**
 * A wire socket on a socket of Bun's own, without Node streams. It keeps data that `write` did not accept, and data
 * that arrives while it is paused. It stays the same object when TLS starts.
 */
export class NativeSocket implements TlsSocket, Connectable {
  handler: WireHandler = SILENT;
  readonly peerAddress: string;
  readonly peerPort: number;
  queuedBytes = 0;
  verifyError: string | undefined;
  /** Undefined while the connect is in progress. */
  #socket: BunSocket<NativeSocket> | undefined;
  #connecting: Connecting | undefined;
  /** The listener that accepted the socket. Undefined after TLS has started, and on sockets that were not accepted. */
  #listener: RawSocketOwner | undefined;
  /**
   * Data that the engine did not accept. Undefined while empty, because an array for each idle connection would need
   * memory.
   */
  #queue: Uint8Array[] | undefined;
  /** Data that arrived while the socket was paused. It is passed on when the socket resumes. Undefined while empty. */
  #early: Buffer[] | undefined;
  #earlyBytes = 0;
  #isPaused = true;
  /**
   * Whether the engine reads from the socket. It may read while the socket is paused, because a pause of the engine
   * costs two system calls and a wake-up.
   */
  #isRead = true;
  #isEnding = false;
  #hasPeerEnded = false;
  #hasUnreportedEnd = false;
  #isClosed = false;
  /** Whether a write has failed. */
  #isBroken = false;
  /** Whether this side has reset or destroyed the socket. */
  #isClosedByUs = false;
  /** Whether the engine is being told to close the socket, of which it can report the close at once. */
  #isClosing = false;
  #failure: WireFailure | undefined;

  constructor(socket?: BunSocket<NativeSocket>, listener?: RawSocketOwner) {
    this.#socket = socket;
    this.#listener = listener;
    this.peerAddress = socket?.remoteAddress ?? "";
    this.peerPort = socket?.remotePort ?? 0;
  }

  /**
   * Whether events of this engine socket count. They do not for the raw half of a TLS socket, which reports the
   * ciphertext.
   */
  isOf(socket: BunSocket<NativeSocket>): boolean {
    return this.#socket === socket;
  }

  get localAddress(): string {
    return this.#socket?.localAddress ?? "";
  }
  get localPort(): number {
    return this.#socket?.localPort ?? 0;
  }
  get hasFinished(): boolean {
    return this.#isEnding && this.#queue === undefined;
  }

  write(chunk: Uint8Array, isLent = false): boolean {
    const socket = this.#socket;
    if (socket === undefined || this.#isClosed) return true;
    const taken = this.#queue === undefined ? this.#send(socket, chunk) : 0;
    if (taken === chunk.length) return true;
    const rest = chunk.subarray(taken);
    this.#keep(isLent ? Buffer.from(rest) : rest);
    return false;
  }

  #send(socket: BunSocket<NativeSocket>, chunk: Uint8Array): number {
    const taken = socket.write(chunk);
    if (taken >= 0) return taken;
    this.#isBroken = true;
    return 0;
  }

  #keep(chunk: Uint8Array): void {
    this.#queue ??= [];
    this.#queue.push(chunk);
    this.queuedBytes += chunk.length;
  }

  resume(): void {
    this.#isPaused = false;
    const early = this.#early;
    if (early !== undefined) {
      this.#early = undefined;
      this.#earlyBytes = 0;
      for (const chunk of early) this.received(chunk);
    }
    if (this.#isPaused || this.#isClosed) return;
    if (!this.#isRead) {
      this.#isRead = true;
      this.#socket?.resume();
    }
    if (!this.#hasUnreportedEnd) return;
    this.#hasUnreportedEnd = false;
    this.handler.onEnd();
  }

  hold(): void {
    this.#isPaused = true;
  }

  pause(): void {
    this.#isPaused = true;
    this.#stopReading();
  }

  #stopReading(): void {
    if (!this.#isRead) return;
    this.#isRead = false;
    this.#socket?.pause();
  }

  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    if (this.#queue === undefined) this.#socket?.shutdown();
  }

  reset(): void {
    this.#close((socket) => socket.terminate());
  }

  destroy(): void {
    this.#close((socket) => socket.close());
  }

  /** Sets the connect that must be aborted if the socket is closed before it is open. */
  connectsBy(connecting: Connecting): void {
    this.#connecting = connecting;
  }

  connected(socket: BunSocket<NativeSocket>): void {
    this.#connecting = undefined;
    this.#socket = socket;
    this.handler.onOpen();
  }

  /**
   * Starts TLS on the socket. `start` receives the raw socket and the bytes of TLS that have arrived so far. It returns
   * undefined if the engine has closed the socket. After `secured`, events come from the TLS half.
   */
  startTls(
    firstBytes: Buffer,
    start: (raw: BunSocket<NativeSocket>, firstBytes: Buffer) => unknown,
  ): void {
    const raw = this.#socket;
    const bytes =
      this.#early === undefined ? firstBytes : Buffer.concat([firstBytes, ...this.#early]);
    this.#early = undefined;
    this.#earlyBytes = 0;
    this.#isPaused = false;
    this.#isRead = true;
    const isStarted = raw !== undefined && !this.#isClosed && start(raw, bytes) !== undefined;
    this.#leaveListener();
    if (isStarted) return;
    this.#isClosed = true;
    raw?.terminate();
    queueMicrotask(() => this.handler.onClose(BROKEN_OFF));
  }

  #leaveListener(): void {
    this.#listener?.rawSocketGone();
    this.#listener = undefined;
  }

  secured(socket: BunSocket<NativeSocket>): void {
    this.#socket = socket;
  }

  received(chunk: Buffer): void {
    if (this.#isClosed) return;
    if (!this.#isPaused) {
      this.handler.onData(chunk, false);
      return;
    }
    this.#early ??= [];
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes > HIGH_WATER_MARK_BYTES) this.#stopReading();
  }

  drained(): void {
    const socket = this.#socket;
    const queue = this.#queue;
    if (socket === undefined || queue === undefined) return;
    let sent = 0;
    for (const chunk of queue) {
      const taken = this.#send(socket, chunk);
      this.queuedBytes -= taken;
      if (taken < chunk.length) {
        queue[sent] = chunk.subarray(taken);
        break;
      }
      sent += 1;
    }
    queue.splice(0, sent);
    if (queue.length > 0) return;
    this.#queue = undefined;
    if (this.#isEnding) socket.shutdown();
    this.handler.onDrain();
  }

  /**
   * Handles the end of the peer's half. After a failed write, an end is not trusted: the write may have consumed the
   * error of a reset, and the engine then reads an ordinary end.
   */
  ended(): void {
    if (this.#isBroken) return;
    this.#hasPeerEnded = true;
    if (this.#isPaused) this.#hasUnreportedEnd = true;
    else this.handler.onEnd();
  }

  failed(failure: WireFailure | undefined): void {
    this.#failure ??= failure;
  }

  closed(): void {
    if (this.#isClosed || this.#isClosing) return;
    this.#isClosed = true;
    const { handler } = this;
    const failure = this.#reasonOfClose();
    this.handler = SILENT;
    this.#queue = undefined;
    this.#early = undefined;
    this.queuedBytes = 0;
    this.#leaveListener();
    handler.onClose(failure);
  }

  /**
   * Returns the failure to report, or undefined if the socket closed in order. The engine does not report an end if
   * this side ended first, reports no error after a failed write, and reports a RST even after both halves have ended.
   */
  #reasonOfClose(): WireFailure | undefined {
    const failure = this.#failure;
    if (this.#isClosedByUs) return failure;
    const isAllDelivered = this.#early === undefined;
    const haveBothEnded = this.hasFinished && (this.#hasPeerEnded || failure === undefined);
    const isInOrder = haveBothEnded && isAllDelivered && !this.#isBroken;
    return isInOrder ? undefined : (failure ?? BROKEN_OFF);
  }

  /** Closes the socket. `onClose` is called later, as with a socket of the engine. */
  #close(close: (socket: BunSocket<NativeSocket>) => void): void {
    if (this.#isClosed) return;
    this.#isClosedByUs = true;
    this.#queue = undefined;
    this.#early = undefined;
    this.#isPaused = true;
    const socket = this.#socket;
    if (socket === undefined) this.#connecting?.destroy();
    else {
      this.#isClosing = true;
      close(socket);
      this.#isClosing = false;
    }
    queueMicrotask(() => this.closed());
  }

  canSendTickets(chainBytes: number): boolean {
    if (chainBytes > MAX_CHAIN_BYTES) return false;
    if (chainBytes > MAX_CHAIN_BYTES_WITH_DATA) this.#sendFirstByteAlone();
    return true;
  }

  /** Replaces `write` of this object, so that other sockets need no check in each write. */
  #sendFirstByteAlone(): void {
    this.write = (chunk, isLent) => {
      Reflect.deleteProperty(this, "write");
      if (chunk.length > 1) this.write(chunk.subarray(0, 1), isLent);
      return this.write(chunk.length > 1 ? chunk.subarray(1) : chunk, isLent);
    };
  }

  facts(): TlsFacts {
    return tlsFactsOf(this.#socket);
  }

  peerCertificate(): PeerCertificate | undefined {
    const certificate = this.#socket?.getPeerCertificate();
    return certificate === undefined ? undefined : peerCertificateOf(certificate, this.verifyError);
  }

  peerDer(): Uint8Array | undefined {
    return this.#socket?.getPeerCertificate()?.raw;
  }

  peerRoot(): Uint8Array | undefined {
    return rootOf(this.#socket?.getPeerCertificate(false));
  }
}
