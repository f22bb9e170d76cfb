import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import { errorCodeOf } from "#model/error-code.ts";
import { withDeadline } from "./deadline.ts";

export interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

const defaultReadDeadlineMs = 10_000;

/**
 * Reads a socket only when asked to: between reads nothing is taken beyond the stream's high-water mark, so that a test
 * that does not read is a peer that does not read. An error of the socket fails the pending read or the next one.
 */
export class ByteReader {
  /** Bytes taken off the socket so far. */
  received = 0;
  readonly #socket: Duplex;
  #rest: Buffer = Buffer.alloc(0);
  #failure: Error | undefined;
  #hasEnded = false;
  #wake: (() => void) | undefined;

  constructor(socket: Duplex) {
    this.#socket = socket;
    const wake = (): void => this.#wake?.();
    socket.on("readable", wake);
    socket.on("end", () => {
      this.#hasEnded = true;
      wake();
    });
    socket.on("error", (error: Error) => {
      this.#failure ??= error;
      wake();
    });
    socket.on("close", () => {
      if (!this.#hasEnded) this.#failure ??= new Error("the socket was closed on this side");
      wake();
    });
  }

  /** Reads exactly `count` bytes. An end before that is an error. */
  async bytes(count: number, deadlineMs = defaultReadDeadlineMs): Promise<Buffer> {
    return this.#take(deadlineMs, `${count} bytes`, (data) => (data.length >= count ? count : -1));
  }

  /** Reads up to and including `marker`. */
  async until(marker: string, deadlineMs = defaultReadDeadlineMs): Promise<string> {
    const taken = await this.#take(deadlineMs, JSON.stringify(marker), (data) => {
      const at = data.indexOf(marker);
      return at < 0 ? -1 : at + marker.length;
    });
    return taken.toString("utf8");
  }

  /** Reads all bytes until the peer ends its side. */
  async toEnd(deadlineMs = defaultReadDeadlineMs): Promise<Buffer> {
    const chunks = [this.#restOnce()];
    await this.#eachChunk(deadlineMs, (chunk) => void chunks.push(chunk));
    return Buffer.concat(chunks);
  }

  /** Reads to the end like `toEnd`, and keeps only the count and the digest of the bytes. */
  async digestToEnd(deadlineMs = defaultReadDeadlineMs): Promise<Digest> {
    const hash = createHash("sha256");
    const rest = this.#restOnce();
    let bytes = rest.length;
    hash.update(rest);
    await this.#eachChunk(deadlineMs, (chunk) => {
      bytes += chunk.length;
      hash.update(chunk);
    });
    return { bytes, sha256: hash.digest("hex") };
  }

  /** Reads on and returns how the peer ended: `end` for FIN or close_notify, else the code of the error. */
  async outcome(deadlineMs = defaultReadDeadlineMs): Promise<string> {
    return this.#outcomeOf(this.digestToEnd(deadlineMs));
  }

  /** Reads on and returns all bytes and how the peer ended. */
  async toOutcome(
    deadlineMs = defaultReadDeadlineMs,
  ): Promise<{ readonly bytes: Buffer; readonly outcome: string }> {
    const chunks = [this.#restOnce()];
    const reading = this.#eachChunk(deadlineMs, (chunk) => void chunks.push(chunk));
    const outcome = await this.#outcomeOf(reading);
    return { bytes: Buffer.concat(chunks), outcome };
  }

  async #outcomeOf(reading: Promise<unknown>): Promise<string> {
    try {
      await reading;
      return "end";
    } catch (error) {
      if (error !== this.#failure) throw error;
      return errorCodeOf(this.#failure) ?? "closed";
    }
  }

  #restOnce(): Buffer {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    return rest;
  }

  async #eachChunk(deadlineMs: number, onChunk: (chunk: Buffer) => void): Promise<void> {
    const work = async (): Promise<void> => {
      for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) {
        onChunk(chunk);
      }
    };
    await withDeadline(work(), deadlineMs, () => `the end after ${this.received} bytes`);
  }

  async #take(
    deadlineMs: number,
    what: string,
    lengthIn: (data: Buffer) => number,
  ): Promise<Buffer> {
    const work = async (): Promise<Buffer> => {
      for (;;) {
        const length = lengthIn(this.#rest);
        if (length >= 0) {
          const taken = this.#rest.subarray(0, length);
          this.#rest = this.#rest.subarray(length);
          return taken;
        }
        const chunk = await this.#next();
        if (chunk === undefined) {
          throw new Error(`ended before ${what}, after ${JSON.stringify(this.#rest.toString())}`);
        }
        this.#rest = Buffer.concat([this.#rest, chunk]);
      }
    };
    return withDeadline(work(), deadlineMs, () => `${what} after ${this.received} bytes`);
  }

  async #next(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = this.#socket.read() as Buffer | null;
      if (chunk !== null) {
        this.received += chunk.length;
        return chunk;
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#hasEnded) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
      this.#wake = undefined;
    }
  }
}
