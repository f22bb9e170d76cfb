import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { isatty } from "node:tty";
import { errorCodeOf } from "#model/error-code.ts";

// If the reader of the log stops reading, or its disk is full, further lines are dropped and counted, so that memory stays bounded.
const MAX_QUEUED_BYTES = 16 * 1024 * 1024;
const RETRY_INTERVAL_MS = 20;

/** What is told that the log cannot be written. */
export interface LogWatcher {
  /** Called at each failed attempt, but not if only the reader is slow. */
  onTrouble(detail: string): void;
  /** Called when lines that waited have been written. */
  onSound(): void;
}

/** Called with the number of dropped lines when all that waited are written, and with the error if the reader was not at fault. */
type OnDropped = (count: number, trouble: string | undefined) => void;

/**
 * Writes to standard output without waiting for its reader. Otherwise write(2) to a full pipe, or to a terminal in which
 * someone pressed Ctrl-S, would block the whole process, also while it exits. The event loop is kept alive while lines wait.
 */
export class LogOutput {
  readonly #fd: number;
  /** A terminal that was hung up reports EIO for good. A disk may recover. */
  readonly #isTerminal: boolean;
  readonly #onDropped: OnDropped;
  watcher: LogWatcher | undefined;
  /** Lines dropped since the start. */
  droppedLines = 0;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #dropped = 0;
  /** The last error since lines wait, if the reader is not just slow. */
  #trouble: string | undefined;
  #isWithoutReader = false;

  constructor(fd: number, onDropped: OnDropped) {
    this.#isTerminal = isatty(fd);
    this.#fd = tryOpenNonBlocking(fd) ?? fd;
    this.#onDropped = onDropped;
  }

  write(line: string): void {
    this.#write(Buffer.from(line), 1);
  }

  /** Takes whole lines, which may change when the call has returned. Returns false if they were dropped. */
  writeLines(bytes: Buffer, count: number): boolean {
    const isTaken = this.#write(bytes, count);
    const last = this.#queue.length - 1;
    const rest = this.#queue[last];
    // Only the last ones that wait can be a view of `bytes`.
    if (rest?.buffer === bytes.buffer) this.#queue[last] = Buffer.from(rest);
    return isTaken;
  }

  #write(bytes: Buffer, lines: number): boolean {
    if (this.#isWithoutReader) {
      this.droppedLines += lines;
      return false;
    }
    if (this.#queuedBytes + bytes.length > MAX_QUEUED_BYTES) {
      this.#dropped += lines;
      this.droppedLines += lines;
      return false;
    }
    const isFirst = this.#queue.length === 0;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    if (isFirst) this.#writeQueued();
    return true;
  }

  #writeQueued(): void {
    if (!this.#tryWriteQueued()) {
      setTimeout(() => this.#retry(), RETRY_INTERVAL_MS);
      return;
    }
    const [dropped, trouble] = [this.#dropped, this.#trouble];
    this.#dropped = 0;
    this.#trouble = undefined;
    if (dropped > 0) this.#onDropped(dropped, trouble);
    if (trouble !== undefined) this.watcher?.onSound();
  }

  /** The watcher is told here because it may log, which the caller of `write` does not expect. */
  #retry(): void {
    if (this.#trouble !== undefined) this.watcher?.onTrouble(this.#trouble);
    this.#writeQueued();
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
      if (errno !== "EPIPE" && (errno !== "EIO" || !this.#isTerminal)) {
        // EAGAIN means that the pipe is full. Errors such as ENOSPC are temporary too.
        if (errno !== "EAGAIN") this.#trouble = String(error);
        return false;
      }
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
