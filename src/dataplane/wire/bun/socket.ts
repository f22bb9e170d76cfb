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
 * BoringSSL sends the two tickets of TLS 1.3, each with the peer's certificates in it, in one buffer with the first data,
 * and writes nothing any more where that buffer would be longer than 65,535 bytes. Up to the first length any data goes
 * with them, up to the second a single byte.
 */
const MAX_CHAIN_BYTES_WITH_DATA = 24_000;
const MAX_CHAIN_BYTES = 32_000;

/** What has accepted sockets, and must hear them until TLS has taken them over. */
interface RawSocketOwner {
  rawSocketGone(): void;
}

/**
 * A socket of Bun's own, without node streams: what `write` did not take is kept here, and what arrives while it is
 * paused waits here. It stays the same object when TLS starts on it.
 */
export class NativeSocket implements TlsSocket, Connectable {
  handler: WireHandler = SILENT;
  readonly peerAddress: string;
  readonly peerPort: number;
  queuedBytes = 0;
  verifyError: string | undefined;
  /** Undefined while it connects. */
  #socket: BunSocket<NativeSocket> | undefined;
  #connecting: Connecting | undefined;
  /** Until TLS has taken it over, where it was accepted. */
  #listener: RawSocketOwner | undefined;
  /** Absent while it is empty, as nearly always: of an idle connection every array counts. */
  #queue: Uint8Array[] | undefined;
  /** Arrived while it was paused, and told when it resumes; absent while there is none. */
  #early: Buffer[] | undefined;
  #earlyBytes = 0;
  #isPaused = true;
  /** The engine reads it, whether or not it is paused: a pause costs two system calls and a wake-up. */
  #isRead = true;
  #isEnding = false;
  #hasPeerEnded = false;
  #isEndUntold = false;
  #isClosed = false;
  /** A write has failed. */
  #isBroken = false;
  /** This side has reset or destroyed it. */
  #isGivenUp = false;
  #failure: WireFailure | undefined;

  constructor(socket?: BunSocket<NativeSocket>, listener?: RawSocketOwner) {
    this.#socket = socket;
    this.#listener = listener;
    this.peerAddress = socket?.remoteAddress ?? "";
    this.peerPort = socket?.remotePort ?? 0;
  }

  /** False for the raw half, which goes on telling what the TLS half hears: the ciphertext. */
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
    if (!this.#isEndUntold) return;
    this.#isEndUntold = false;
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

  /** What to close while there is no socket yet. */
  connectsBy(connecting: Connecting): void {
    this.#connecting = connecting;
  }

  connected(socket: BunSocket<NativeSocket>): void {
    this.#connecting = undefined;
    this.#socket = socket;
    this.handler.onOpen();
  }

  /**
   * Has TLS take the socket over. `start` is given the raw socket and what came of TLS so far; from `secured` on, events
   * are those of the TLS half. Undefined from `start`: the engine has closed it.
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
    const isTaken = raw !== undefined && !this.#isClosed && start(raw, bytes) !== undefined;
    this.#leaveListener();
    if (isTaken) return;
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
   * An end after a write that failed is none to be believed: that write has taken the reset, if it was one, and the engine
   * then reads an end.
   */
  ended(): void {
    if (this.#isBroken) return;
    this.#hasPeerEnded = true;
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
    const failure = this.#reasonOfClose();
    this.handler = SILENT;
    this.#queue = undefined;
    this.#early = undefined;
    this.queuedBytes = 0;
    this.#leaveListener();
    handler.onClose(failure);
  }

  /** The engine tells no end to who has ended first, no error where a write failed, and a RST after both ends, too. */
  #reasonOfClose(): WireFailure | undefined {
    const failure = this.#failure;
    if (this.#isGivenUp) return failure;
    const isAllTold = this.#early === undefined;
    const haveBothEnded = this.hasFinished && (this.#hasPeerEnded || failure === undefined);
    const isInOrder = haveBothEnded && isAllTold && !this.#isBroken;
    return isInOrder ? undefined : (failure ?? BROKEN_OFF);
  }

  /** The close is told later, as an engine's socket would. */
  #close(close: (socket: BunSocket<NativeSocket>) => void): void {
    if (this.#isClosed) return;
    this.#isGivenUp = true;
    this.#queue = undefined;
    this.#early = undefined;
    this.#isPaused = true;
    const socket = this.#socket;
    if (socket === undefined) this.#connecting?.destroy();
    else close(socket);
    queueMicrotask(() => this.closed());
  }

  canSendTickets(chainBytes: number): boolean {
    if (chainBytes > MAX_CHAIN_BYTES) return false;
    if (chainBytes > MAX_CHAIN_BYTES_WITH_DATA) this.#sendFirstByteAlone();
    return true;
  }

  /** Of this one object: all others are spared a question with each write. */
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

  peerRoot(): Uint8Array | undefined {
    return rootOf(this.#socket?.getPeerCertificate(false));
  }
}
