import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { withDeadline } from "./deadline.ts";
import { patternSlice } from "./pattern.ts";

const chunkBytes = 64 * 1024;

/** A part of the pattern (pattern.ts) on its way, as fast as the peer takes it. */
export class PatternFlow {
  /** Handed to the socket so far; at most its high-water mark has not left. */
  sentBytes = 0;
  readonly #socket: Socket;
  readonly #totalBytes: number;
  readonly #chunkBytes: () => number;
  readonly #done = Promise.withResolvers<void>();

  constructor(socket: Socket, totalBytes: number, chunkSize: () => number) {
    this.#socket = socket;
    this.#totalBytes = totalBytes;
    this.#chunkBytes = chunkSize;
    socket.once("error", this.#done.reject);
    socket.once("close", () => this.#done.reject(new Error("closed before all was sent")));
    // A test that does not await the end sees a failure elsewhere.
    this.#done.promise.catch(() => undefined);
    this.#sendMore();
  }

  /** Resolves when all bytes have left this process. */
  get sent(): Promise<void> {
    return this.#done.promise;
  }

  /** Resolves when the peers have taken nothing for `quietMs`. Rejects when they have taken all bytes. */
  async untilStuck(quietMs = 400, deadlineMs = 20_000): Promise<void> {
    const work = async (): Promise<void> => {
      for (let seen = -1; seen !== this.sentBytes;) {
        seen = this.sentBytes;
        await delay(quietMs);
      }
      if (this.sentBytes === this.#totalBytes)
        throw new Error(`all ${this.#totalBytes} bytes were taken: nothing holds them back`);
    };
    await withDeadline(work(), deadlineMs, () => `a stop after ${this.sentBytes} bytes`);
  }

  #sendMore(): void {
    while (this.sentBytes < this.#totalBytes) {
      const rest = this.#totalBytes - this.sentBytes;
      const chunk = patternSlice(this.sentBytes, Math.min(this.#chunkBytes(), rest));
      this.sentBytes += chunk.length;
      if (this.#socket.write(chunk)) continue;
      this.#socket.once("drain", () => this.#sendMore());
      return;
    }
    this.#socket.write("", () => this.#done.resolve());
  }
}

/** Starts to send the first `totalBytes` of the pattern, in chunks of 64 KiB unless told. */
export function sendPattern(
  socket: Socket,
  totalBytes: number,
  chunkSize: () => number = () => chunkBytes,
): PatternFlow {
  return new PatternFlow(socket, totalBytes, chunkSize);
}
