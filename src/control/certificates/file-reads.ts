import { extname, resolve } from "node:path";
import { Worker } from "node:worker_threads";
import { FileUnusableError, readBoundedFile, type FileRead } from "../read-bounded-file.ts";
import type { ReadReply, ReadRequest } from "./read-thread.ts";

/** Reads a file as `readBoundedFile` does. */
export type ReadFile = typeof readBoundedFile;

/** The program runs as it is written, and as JavaScript in an installed package. */
const ENTRY = resolve(import.meta.dirname, `read-thread${extname(import.meta.filename)}`);
const FILES_IN_A_MESSAGE = 256;

interface Waiting {
  readonly request: ReadRequest;
  readonly resolve: (read: FileRead) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Reads many files in a thread, because one that is read by asynchronous calls takes several hundred microseconds of processor time.
 * Files that must be in certain folders are read by asynchronous calls.
 */
export class FileReads implements Disposable {
  readonly #waiting: Waiting[] = [];
  #thread: Worker | undefined;
  /** The files that the thread reads. */
  #asked: Waiting[] = [];

  readonly read: ReadFile = (path, maxBytes, allowed) => {
    if (allowed !== undefined && allowed !== "any") return readBoundedFile(path, maxBytes, allowed);
    return new Promise((resolvePromise, reject) => {
      this.#waiting.push({ request: { path, maxBytes }, resolve: resolvePromise, reject });
      // The next files of others are asked for in the same message.
      if (this.#waiting.length === 1) setImmediate(() => this.#ask());
    });
  };

  [Symbol.dispose](): void {
    // The promise says when it has ended, for which nobody waits.
    this.#thread?.terminate().catch(() => undefined);
  }

  #ask(): void {
    if (this.#asked.length > 0 || this.#waiting.length === 0) return;
    this.#asked = this.#waiting.splice(0, FILES_IN_A_MESSAGE);
    this.#thread ??= this.#start();
    // A thread has no origin.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    this.#thread.postMessage(this.#asked.map(({ request }) => request));
  }

  #start(): Worker {
    return new Worker(ENTRY)
      .on("message", (reply: ReadReply) => this.#answer(reply))
      .on("error", (error) => this.#fail(error))
      .on("exit", () => this.#fail(new Error("The thread that reads files has ended.")));
  }

  #answer({ bytes, files }: ReadReply): void {
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    let start = 0;
    for (const file of files) {
      const waiting = this.#asked.shift();
      if ("unusable" in file) {
        waiting?.reject(new FileUnusableError(file.unusable));
        continue;
      }
      const { length, signature } = file;
      waiting?.resolve({ bytes: all.subarray(start, start + length), signature });
      start += length;
    }
    setImmediate(() => this.#ask());
  }

  #fail(error: unknown): void {
    this.#thread = undefined;
    const failed = [...this.#asked, ...this.#waiting.splice(0)];
    this.#asked = [];
    for (const { reject } of failed) reject(error);
  }
}
