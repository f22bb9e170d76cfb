import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { errorCodeOf } from "#model/error-code.ts";

// Whoever reads the log may stop reading: then lines are lost and counted, memory stays.
const MAX_QUEUED_BYTES = 16 * 1024 * 1024;
const RETRY_INTERVAL_MS = 20;

/**
 * Standard output without ever waiting for its reader: a terminal in which someone pressed Ctrl-S, or a full pipe, would
 * otherwise stop the whole process in write(2), exit included. The event loop stays alive while lines wait.
 */
export class LogOutput {
  readonly #fd: number;
  readonly #onDropped: (count: number) => void;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #dropped = 0;
  #isWithoutReader = false;

  /** `onDropped` is told how many lines were lost once the reader reads again. */
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

  /** False while the reader takes no more. */
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
      // EAGAIN: full. ENOSPC and the like pass too.
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
 * Opens a pipe or terminal once more, as the flag would otherwise also apply to whoever shares it. A socket cannot be
 * opened so, nor what belongs to another user: then writes wait.
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
