import { writeSync } from "node:fs";
import { Writable } from "node:stream";
import { errorCodeOf } from "#model/error-code.ts";
import { DirectorError } from "#model/failure.ts";

/** The standard output of a command. It remembers the first error, so that the command fails if its output is incomplete. */
export class StandardOutput {
  readonly #stream: Writable;
  readonly #broken = new AbortController();
  #error: Error | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on("error", (error) => this.#fail(error));
  }

  /** Aborts when something could not be written. */
  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  /** Whether the reader has closed the output, as in `tlsd show … | head`. This is no failure that must be reported. */
  get isClosed(): boolean {
    return errorCodeOf(this.#error) === "EPIPE";
  }

  /** Writes without waiting. `flush` rejects if it fails. */
  print(text: string): void {
    void this.write(Buffer.from(text)).catch(() => undefined);
  }

  /** Resolves when the stream has taken the chunk. Rejects with `output-unwritable`. */
  write(chunk: Uint8Array): Promise<void> {
    this.#last = this.#write(chunk);
    return this.#last;
  }

  /** Resolves when everything that was printed has been written. Rejects with `output-unwritable`. */
  flush(): Promise<void> {
    return this.#last;
  }

  async #write(chunk: Uint8Array): Promise<void> {
    if (this.#error === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#stream.write(chunk, (error) => {
        if (error) this.#fail(error);
        resolve();
      });
      await promise;
    }
    if (this.#error === undefined) return;
    throw new DirectorError("output-unwritable", `${this.#error.message}.`, { cause: this.#error });
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#broken.abort();
  }
}

/** Returns a stream to a file that is open. The stream of Node ignores that a full disk has taken only a part of a chunk. */
export const streamToFile = (descriptor: number): Writable =>
  new Writable({
    write(chunk: Buffer, _, done) {
      try {
        for (let at = 0; at < chunk.length;) at += writeSync(descriptor, chunk, at);
        done();
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
  });
