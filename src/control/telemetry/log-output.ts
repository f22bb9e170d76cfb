import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { errorCodeOf } from "#model/error-code.ts";

// If the reader of the log stops reading, further lines are dropped and counted, so that memory stays bounded.
const MAX_QUEUED_BYTES = 16 * 1024 * 1024;
const RETRY_INTERVAL_MS = 20;

/**
 * Writes to standard output without waiting for its reader. Otherwise write(2) to a full pipe, or to a terminal in which
 * someone pressed Ctrl-S, would block the whole process, also while it exits. The event loop is kept alive while lines wait.
 */
export class LogOutput {
  readonly #fd: number;
  readonly #onDropped: (count: number) => void;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #dropped = 0;
  #isWithoutReader = false;

  /** `onDropped` is called with the number of dropped lines when the reader reads again. */
  constructor(fd: number, onDropped: (count: number) => void) {
    this.#fd = tryOpenNonBlocking(fd) ?? fd;
    this.#onDropped = onDropped;
  }

  write(line: string): void {
    if (this.#isWithoutReader) return;
    const bytes = Buffer.from(line);
    if (this.#queuedBytes + bytes.length > MAX_QUEUED_BYTES) {
      this.#dropped += 1;
      return;
    }
    const isFirst = this.#queue.length === 0;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    if (isFirst) this.#writeQueued();
  }

  #writeQueued(): void {
    if (!this.#tryWriteQueued()) {
      setTimeout(() => this.#writeQueued(), RETRY_INTERVAL_MS);
      return;
    }
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped > 0) this.#onDropped(dropped);
  }

  /** Returns false if lines are left, because the reader does not read. */
  #tryWriteQueued(): boolean {
    let done = 0;
    try {
      for (const bytes of this.#queue) {
        for (let at = 0; at < bytes.length;) {
          const written = writeSync(this.#fd, bytes, at);
          at += written;
          this.#queuedBytes -= written;
          this.#queue[done] = bytes.subarray(at);
        }
        done += 1;
      }
    } catch (error) {
      const errno = errorCodeOf(error);
      // EAGAIN means that the pipe is full. Errors such as ENOSPC are temporary too.
      if (errno !== "EPIPE" && errno !== "EIO") return false;
      this.#isWithoutReader = true;
      done = this.#queue.length;
      this.#queuedBytes = 0;
    } finally {
      this.#queue = this.#queue.slice(done);
    }
    return true;
  }
}

/**
 * Opens a pipe or terminal a second time, because O_NONBLOCK would otherwise also apply to other processes that share it.
 * Returns undefined for a socket, or if the file belongs to another user. Writes then block.
 */
function tryOpenNonBlocking(fd: number): number | undefined {
  try {
    const stat = fstatSync(fd);
    if (!stat.isFIFO() && !stat.isCharacterDevice()) return undefined;
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    const opened = openSync(`/proc/self/fd/${fd}`, flags);
    if (fstatSync(opened).rdev === stat.rdev) return opened;
    closeSync(opened);
  } catch {
    return undefined;
  }
  return undefined;
}
