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

export class PortableSocket implements WireSocket {
  handler: WireHandler = SILENT;
  protected readonly socket: Owned;
  #failure: WireFailure | undefined;
  #isListening = false;
  #isPaused = true;
  #isEndUntold = false;
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
    // The engine would wait for the connection, to reset it then.
    if (this.socket.connecting) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  protected destroySocket(): void {
    this.socket.destroy();
  }

  /** A write has met a reset: what came before can still be read, and the end after it is none. */
  wasReset(error: EngineError): void {
    this.#resetBy ??= error;
  }

  /** Bun emits the end of a paused socket, and the stage that paused it does not listen: it is told on resume. */
  ended(): void {
    if (this.#resetBy !== undefined) {
      this.brokenOff(this.#resetBy);
      return;
    }
    if (this.#isPaused) this.#isEndUntold = true;
    else this.handler.onEnd();
  }

  /** Closes with this failure; nothing else is told of the socket before. */
  brokenOff(error: EngineError): void {
    this.failed(error);
    this.#tellNothingMore();
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
