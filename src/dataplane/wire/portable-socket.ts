import net from "node:net";
import { isIP } from "node:net";
import { type TLSSocket } from "node:tls";
import { peerCertificateOf } from "./peer-certificate.ts";
import {
  HIGH_WATER_MARK_BYTES,
  SILENT,
  type PeerCertificate,
  type TlsFacts,
  type TlsSocket,
  type WireFailure,
  type WireHandler,
  type WireSocket,
} from "./wire.ts";

export const isBun = process.versions["bun"] !== undefined;
const owner = Symbol("owner");
type Owned = net.Socket & { [owner]?: PortableSocket };

// One function for all sockets, not a closure for each: this is what an idle connection's memory is made of.
function onData(this: Owned, chunk: Buffer): void {
  this[owner]?.handler.onData(chunk, false);
}
/**
 * `onread` of net.connect: all sockets that have it read into one buffer, and what is read is handed on before the next
 * one reads. A buffer for each read would be garbage, cold in the cache, and leave holes in the heap.
 */
export const sharedRead = {
  buffer: Buffer.allocUnsafeSlow(HIGH_WATER_MARK_BYTES),
  callback(this: Owned, bytes: number): true {
    this[owner]?.handler.onData(sharedRead.buffer.subarray(0, bytes), true);
    return true;
  },
};
function onDrain(this: Owned): void {
  this[owner]?.handler.onDrain();
}
function onEnd(this: Owned): void {
  this[owner]?.ended();
}
function onOpen(this: Owned): void {
  // A TLS socket reads on its own during the handshake; what follows it waits for resume().
  this[owner]?.pause();
  this[owner]?.handler.onOpen();
}
function onError(this: Owned, error: NodeJS.ErrnoException): void {
  this[owner]?.failed(error);
}
function onClose(this: Owned): void {
  this[owner]?.closed();
}
function onSecure(this: Owned): void {
  this.on("_tlsError", onTlsError);
}
function onTlsError(this: Owned, error: NodeJS.ErrnoException): void {
  this[owner]?.brokenOff(error);
}

type Broken = Pick<NodeJS.ErrnoException, "code" | "message">;

export class PortableSocket implements WireSocket {
  handler: WireHandler = SILENT;
  protected readonly socket: Owned;
  #failure: WireFailure | undefined;
  #isListening = false;
  #isPaused = true;
  #isEndUntold = false;

  constructor(socket: net.Socket) {
    this.socket = socket;
    this.socket[owner] = this;
    socket.on("error", onError).on("close", onClose);
  }

  get peerAddress(): string {
    return this.socket.remoteAddress ?? "";
  }
  get peerPort(): number {
    return this.socket.remotePort ?? 0;
  }
  get queuedBytes(): number {
    return this.socket.writableLength;
  }
  get hasFinished(): boolean {
    return this.socket.writableFinished;
  }

  /** The engine's socket, which a TLS socket takes over; nothing is told of it any more. */
  takeOver(): net.Socket {
    const { socket } = this;
    this.#tellNothingMore();
    socket.off("error", onError).off("close", onClose);
    delete socket[owner];
    return socket;
  }

  #tellNothingMore(): void {
    this.socket.off("data", onData).off("end", onEnd).off("drain", onDrain);
  }

  tellOpen(event: "connect" | "secure" | "secureConnect"): void {
    this.socket.once(event, onOpen);
  }

  write(chunk: Uint8Array, isLent = false): boolean {
    return this.socket.write(isLent && this.keepsChunks() ? Buffer.from(chunk) : chunk);
  }

  /** What the kernel does not take at once, the engine sends later, from the chunk itself. */
  protected keepsChunks(): boolean {
    return true;
  }

  resume(): void {
    if (!this.#isListening) {
      this.#isListening = true;
      this.socket.on("drain", onDrain).on("end", onEnd).on("data", onData);
    }
    this.#isPaused = false;
    this.socket.resume();
    if (!this.#isEndUntold) return;
    this.#isEndUntold = false;
    queueMicrotask(() => this.handler.onEnd());
  }

  pause(): void {
    this.#isPaused = true;
    this.socket.pause();
  }

  hold(): void {
    this.pause();
  }

  end(): void {
    if (!this.socket.writableEnded) this.socket.end();
  }

  reset(): void {
    this.#tellNothingMore();
    this.resetSocket();
  }

  destroy(): void {
    this.#tellNothingMore();
    this.destroySocket();
  }

  protected resetSocket(): void {
    this.socket.resetAndDestroy();
  }

  protected destroySocket(): void {
    this.socket.destroy();
  }

  /** Bun emits the end of a paused socket, and the stage that paused it does not listen: it is told on resume. */
  ended(): void {
    if (this.#isPaused) this.#isEndUntold = true;
    else this.handler.onEnd();
  }

  /** Closes with this failure; nothing else is told of the socket before. */
  brokenOff(error: Broken): void {
    this.failed(error);
    this.#tellNothingMore();
    setImmediate(() => this.destroySocket());
  }

  failed(error: Broken): void {
    this.#failure ??= { code: error.code ?? "UNKNOWN", detail: error.message };
  }

  closed(): void {
    const { handler } = this;
    this.handler = SILENT;
    handler.onClose(this.#failure);
  }
}

interface EngineTls {
  /** Node and Bun keep it under `ssl`; a resumed session without a certificate has null here. */
  readonly ssl?: { verifyError?(): (Error & { code?: string }) | null | undefined } | null;
}

export class PortableTlsSocket extends PortableSocket implements TlsSocket {
  readonly #tls: TLSSocket & EngineTls;
  readonly #raw: net.Socket;
  readonly #writesTickets: boolean;
  readonly #peerAddress: string;
  readonly #peerPort: number;

  constructor(tls: TLSSocket, raw: net.Socket, isServer: boolean) {
    super(tls);
    this.#tls = tls;
    this.#raw = raw;
    this.#writesTickets = isServer && !isBun;
    // Both engines forget these once the socket is gone, and a failure is recorded after that.
    this.#peerAddress = raw.remoteAddress ?? "";
    this.#peerPort = raw.remotePort ?? 0;
    raw.on("error", (error: NodeJS.ErrnoException) => this.failed(error));
  }

  /**
   * A record that is broken after the handshake: the server's side of Node says so by this internal event alone and goes
   * on, that of Bun lets an end follow, as if the peer had ended its half in order. Before, `error` and `close` tell.
   */
  override tellOpen(event: "secure" | "secureConnect"): void {
    super.tellOpen(event);
    this.socket.once(event, onSecure);
  }

  override get peerAddress(): string {
    return this.#peerAddress;
  }
  override get peerPort(): number {
    return this.#peerPort;
  }

  /** Node encrypts during the call, or copies (TLSWrap::DoWrite), unless an earlier write has yet to be told done. */
  protected override keepsChunks(): boolean {
    return isBun || this.queuedBytes > 0;
  }

  /**
   * A client that resets right after its handshake: Node drops the failure when it writes the session tickets, and then
   * reads an end. That no peer is known tells it from an end in order, where this half is still open.
   */
  override ended(): void {
    const isOpen = !this.socket.writableEnded;
    const isGone = this.#writesTickets && isOpen && this.#tls.remoteAddress === undefined;
    if (isGone) this.brokenOff({ code: "ECONNRESET", message: "reset before the end" });
    else super.ended();
  }

  /** Not at once: Node frees the TLS state with the raw socket, and crashes where it is still inside of the handshake. */
  protected override resetSocket(): void {
    setImmediate(() => this.#resetNow());
  }

  /** RST has to come from the socket beneath: a TLS socket refuses, as it has no TCP handle of its own. */
  #resetNow(): void {
    if (!this.#raw.destroyed) this.#raw.resetAndDestroy();
    // Bun lets go of the raw socket when the peer ends its half, and its TLS sockets can reset.
    else if (isBun) this.#tls.resetAndDestroy();
    this.#tls.destroy();
  }

  protected override destroySocket(): void {
    this.#tls.destroy();
    this.#raw.destroy();
  }

  facts(): TlsFacts {
    const cipher = this.#tls.getCipher();
    return {
      version: this.#tls.getProtocol() ?? "unknown",
      cipherSuite: cipher.name,
      alpn: typeof this.#tls.alpnProtocol === "string" ? this.#tls.alpnProtocol : undefined,
      isResumed: this.#tls.isSessionReused(),
    };
  }

  peerCertificate(): PeerCertificate | undefined {
    return peerCertificateOf(this.#tls.getPeerCertificate(), this.#tls.ssl?.verifyError?.()?.code);
  }
}

/** SNI carries names only (RFC 6066 section 3). */
export const sniOf = (serverName: string): string => (isIP(serverName) === 0 ? serverName : "");
