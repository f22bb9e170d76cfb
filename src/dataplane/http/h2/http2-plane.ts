import type { EncodedOutput } from "./hpack/hpack-encoder.ts";
import type { Steps } from "../../live/in-slices.ts";
import { RequestBlock } from "./request-block.ts";
import { LentBuffers } from "./lent-buffers.ts";
import { TrailerBlock } from "./trailer-block.ts";

/** The longest head of an answer is 64 KiB, and each field takes up to 12 bytes more. The rest is for the fields of the listener. */
const BLOCK_BYTES = 256 * 1024;

interface TurnMember {
  /** Whether a new connection of the client would be served in another way, or not at all. */
  isOutdated(): boolean;
  /** Writes what was collected in this turn of the event loop. */
  flushTurn(): void;
  /** Asks the client to open no more streams. */
  drain(): void;
}

/** What all sessions of HTTP/2 of a worker share. */
export class Http2Plane {
  readonly buffers = new LentBuffers();
  readonly request = new RequestBlock();
  readonly trailers = new TrailerBlock();
  /** The field block that is being encoded. */
  readonly block: EncodedOutput = { bytes: Buffer.allocUnsafeSlow(BLOCK_BYTES), length: 0 };
  readonly sessions = new Set<TurnMember>();
  #toFlush: TurnMember[] = [];

  /** Calls `flushTurn` at the end of the turn. To wait is cheaper than to write each frame, and than a microtask. */
  flushSoon(session: TurnMember): void {
    if (this.#toFlush.push(session) === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const sessions = this.#toFlush;
    this.#toFlush = [];
    for (const session of sessions) session.flushTurn();
  }

  drain(): void {
    for (const session of this.sessions) session.drain();
  }

  /** Drains the sessions that a change has outdated. */
  *drainOutdated(): Steps<void> {
    for (const session of this.sessions) {
      if (session.isOutdated()) session.drain();
      yield;
    }
  }
}
