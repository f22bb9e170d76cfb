import {
  HIGH_WATER_MARK_BYTES,
  SILENT,
  type PeerCertificate,
  type TlsFacts,
  type TlsSocket,
  type WireFailure,
  type WireHandler,
} from "#dataplane/wire/wire.ts";

/** One end of a connection in memory. What is written at one end is queued there until the other end reads it. */
export class MemorySocket implements TlsSocket {
  handler: WireHandler = SILENT;
  queuedBytes = 0;
  /** Whether each chunk is lent, and overwritten when the handler has returned. */
  lendsChunks = false;
  readonly peerAddress: string;
  readonly peerPort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** The other end is undefined while the socket connects. */
  #peer: MemorySocket | undefined;
  #inbox: Buffer[] = [];
  #isPaused = true;
  #isOverMark = false;
  #isEnding = false;
  #hasPeerEnded = false;
  #isEndTold = false;
  #isClosed = false;
  /** Whether this side has reset or destroyed the socket. */
  isGivenUp = false;

  constructor(
    local: { readonly address: string; readonly port: number },
    peer: { readonly address: string; readonly port: number },
  ) {
    this.localAddress = local.address;
    this.localPort = local.port;
    this.peerAddress = peer.address;
    this.peerPort = peer.port;
  }

  connectTo(peer: MemorySocket): void {
    this.#peer = peer;
    peer.#peer = this;
  }

  get hasFinished(): boolean {
    return this.#isEnding && this.queuedBytes === 0;
  }

  write(chunk: Uint8Array): boolean {
    const peer = this.#peer;
    if (peer === undefined || this.#isClosed) return true;
    if (peer.#isClosed) {
      // The peer is gone: it answers with RST.
      queueMicrotask(() => this.close({ kind: "reset", detail: "in memory" }));
      return true;
    }
    peer.#inbox.push(Buffer.from(chunk));
    this.queuedBytes += chunk.length;
    this.#isOverMark ||= this.queuedBytes >= HIGH_WATER_MARK_BYTES;
    queueMicrotask(() => peer.#read());
    return !this.#isOverMark;
  }

  resume(): void {
    this.#isPaused = false;
    queueMicrotask(() => this.#read());
  }

  pause(): void {
    this.#isPaused = true;
  }

  hold(): void {
    this.pause();
  }

  end(): void {
    if (this.#isEnding || this.#isClosed) return;
    this.#isEnding = true;
    const peer = this.#peer;
    if (peer === undefined) return;
    peer.#hasPeerEnded = true;
    queueMicrotask(() => peer.#read());
    queueMicrotask(() => this.#closeInOrder());
  }

  reset(): void {
    this.isGivenUp = true;
    const peer = this.#peer;
    queueMicrotask(() => peer?.close({ kind: "reset", detail: "in memory" }));
    queueMicrotask(() => this.close(undefined));
  }

  destroy(): void {
    this.isGivenUp = true;
    if (this.#inbox.length > 0) {
      this.reset();
      return;
    }
    this.end();
    queueMicrotask(() => this.close(undefined));
  }

  /** Tells the close, with the failure that caused it. */
  close(failure: WireFailure | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { handler } = this;
    this.handler = SILENT;
    this.#inbox = [];
    this.queuedBytes = 0;
    handler.onClose(failure);
  }

  facts(): TlsFacts {
    return { version: "TLSv1.3", cipherSuite: "none", alpn: undefined, isResumed: false };
  }

  peerCertificate(): PeerCertificate | undefined {
    return undefined;
  }

  peerDer(): undefined {}

  peerRoot(): Uint8Array | undefined {
    return undefined;
  }

  canSendTickets(): boolean {
    return true;
  }

  #read(): void {
    for (;;) {
      if (this.#isPaused || this.#isClosed) return;
      const chunk = this.#inbox.shift();
      if (chunk === undefined) break;
      if (this.#peer !== undefined) this.#peer.#taken(chunk.length);
      this.handler.onData(chunk, this.lendsChunks);
      if (this.lendsChunks) chunk.fill("#");
    }
    if (!this.#hasPeerEnded || this.#isEndTold) return;
    this.#isEndTold = true;
    this.handler.onEnd();
    this.#closeInOrder();
  }

  #taken(bytes: number): void {
    this.queuedBytes -= bytes;
    if (this.queuedBytes > 0) return;
    const wasOverMark = this.#isOverMark;
    this.#isOverMark = false;
    if (wasOverMark && !this.#isClosed) this.handler.onDrain();
    this.#closeInOrder();
  }

  #closeInOrder(): void {
    if (this.hasFinished && this.#isEndTold) this.close(undefined);
  }
}
