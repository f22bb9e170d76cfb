import type net from "node:net";
import { nameFailure, type EngineError } from "../name-failure.ts";
import {
  HIGH_WATER_MARK_BYTES,
  SILENT,
  type WireFailure,
  type WireHandler,
  type WireSocket,
} from "../wire.ts";

export const isBun = process.versions["bun"] !== undefined;
export const owner = Symbol("owner");
export type Owned = net.Socket & { [owner]?: PortableSocket };

// The handlers are shared by all sockets. A closure for each socket would increase the memory of idle connections.
function onData(this: Owned, chunk: Buffer): void {
  this[owner]?.handler.onData(chunk, false);
}
/**
 * The `onread` option of net.connect. All sockets with this option read into one buffer, and each read is handled
 * before the next one. A buffer for each read would become garbage, would not be in the CPU cache, and would fragment
 * the heap.
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
  // A TLS socket reads by itself during the handshake. Data after the handshake waits for resume().
  this[owner]?.pause();
  this[owner]?.handler.onOpen();
}
function onError(this: Owned, error: NodeJS.ErrnoException): void {
  this[owner]?.failed(error);
}
function onClose(this: Owned): void {
  this[owner]?.closed();
}

export class PortableSocket implements WireSocket {
  handler: WireHandler = SILENT;
  protected readonly socket: Owned;
  #failure: WireFailure | undefined;
  #isListening = false;
  #isPaused = true;
  #hasUnreportedEnd = false;
  #resetBy: EngineError | undefined;

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
  get localAddress(): string {
    return this.socket.localAddress ?? "";
  }
  get localPort(): number {
    return this.socket.localPort ?? 0;
  }
  get queuedBytes(): number {
    return this.socket.writableLength;
  }
  get hasFinished(): boolean {
    return this.socket.writableFinished;
  }

  /** Returns the engine's socket for use by a TLS socket. This object reports no more events. */
  takeOver(): net.Socket {
    const { socket } = this;
    this.#removeListeners();
    socket.off("error", onError).off("close", onClose);
    delete socket[owner];
    return socket;
  }

  #removeListeners(): void {
    this.socket.off("data", onData).off("end", onEnd).off("drain", onDrain);
  }

  reportOpenOn(event: "connect" | "secure" | "secureConnect"): void {
    this.socket.once(event, onOpen);
  }

  write(chunk: Uint8Array, isLent = false): boolean {
    return this.socket.write(isLent && this.keepsChunks() ? Buffer.from(chunk) : chunk);
  }

  /**
   * Whether the engine keeps a chunk after `write` returns. It does if the kernel does not accept all of it
   * immediately.
   */
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
    if (!this.#hasUnreportedEnd) return;
    this.#hasUnreportedEnd = false;
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
    this.#removeListeners();
    this.resetSocket();
  }

  destroy(): void {
    this.#removeListeners();
    this.destroySocket();
  }

  protected resetSocket(): void {
    // During a connect, resetAndDestroy would wait until the socket is connected.
    if (this.socket.connecting) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  protected destroySocket(): void {
    this.socket.destroy();
  }

  /**
   * Called when a write has failed because of a reset. Data from before the reset can still be read, but the end after
   * it is not trusted.
   */
  wasReset(error: EngineError): void {
    this.#resetBy ??= error;
  }

  /**
   * Handles the end of the peer's half. Bun emits `end` on a paused socket too, when no stage expects it. The handler
   * is then called on resume.
   */
  ended(): void {
    if (this.#resetBy !== undefined) {
      this.brokenOff(this.#resetBy);
      return;
    }
    if (this.#isPaused) this.#hasUnreportedEnd = true;
    else this.handler.onEnd();
  }

  /** Closes the socket with this failure. No other event is reported before the close. */
  brokenOff(error: EngineError): void {
    this.failed(error);
    this.#removeListeners();
    setImmediate(() => this.destroySocket());
  }

  failed(error: EngineError): void {
    this.#failure ??= nameFailure(error);
  }

  closed(): void {
    const { handler } = this;
    this.handler = SILENT;
    handler.onClose(this.#failure);
  }
}
