import { extname, resolve } from "node:path";
import { Worker } from "node:worker_threads";
import { FileUnusableError, readBoundedFile, type FileRead } from "../read-bounded-file.ts";
import type { ReadReply, ReadRequest } from "./read-thread.ts";

/** Reads a file as `readBoundedFile` does. */
export type ReadFile = typeof readBoundedFile;

/** The program runs as it is written, and as JavaScript in an installed package. */
const ENTRY = resolve(import.meta.dirname, `read-thread${extname(import.meta.filename)}`);
export const FILES_IN_A_MESSAGE = 64;

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
  #asked: readonly Waiting[] = [];

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
      .on("message", (replies: readonly ReadReply[]) => this.#answer(replies))
      .on("error", (error) => this.#fail(error))
      .on("exit", () => this.#fail(new Error("The thread that reads files has ended.")));
  }

  #answer(replies: readonly ReadReply[]): void {
    const answered = this.#asked;
    this.#asked = [];
    for (const [at, { resolve: take, reject }] of answered.entries()) {
      const reply = replies[at];
      if (reply === undefined) reject(new TypeError("A file has no reply."));
      else if ("unusable" in reply) reject(new FileUnusableError(reply.unusable));
      else take({ bytes: bufferOf(reply.bytes), signature: reply.signature });
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

/** A buffer arrives from a thread as an array of bytes. */
const bufferOf = ({ buffer, byteOffset, length }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, length);
