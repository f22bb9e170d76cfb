import { extname, resolve } from "node:path";
import { Worker } from "node:worker_threads";
import type { DocumentSource } from "./document-sources.ts";
import { inTurn } from "./in-turn.ts";
import type { SourceVersion } from "./sources.ts";
import type { WatchReply, WatchRequest } from "./watch-thread.ts";

type AnySource = DocumentSource<SourceVersion>;

/** The program runs as it is written, and as JavaScript in an installed package. */
const ENTRY = resolve(import.meta.dirname, `watch-thread${extname(import.meta.filename)}`);
/** A thread costs some megabytes of memory, so a director with few certificates does without. */
const FEW_SOURCES = 200;

export interface Looked {
  /** How the files of each source look now. */
  readonly looks: ReadonlyMap<AnySource, string>;
  /** How much processor time the looks took, or 0 if it does not matter because the sources are few. */
  readonly busyMs: number;
}

/** Looks at the files of all sources, those of many in a thread of its own. */
export class FileWatch {
  #thread: Worker | undefined;
  /** The sources whose files the thread knows. */
  #known: readonly AnySource[] = [];
  #looks = new Map<AnySource, string>();

  /** Rejects if the thread fails or `close` is called. The next look starts a thread again. */
  async look(sources: readonly AnySource[]): Promise<Looked> {
    if (sources.length <= FEW_SOURCES) return lookAtFew(sources);
    // The thread does not know the inventory, which is in memory.
    const kept = sources.filter(({ kind }) => kind === "inventory");
    if (kept.length === 0) return this.#lookAtMany(sources);
    const ofFiles = sources.filter(({ kind }) => kind === "files");
    const [own, others] = [await lookAtFew(kept), await this.#lookAtMany(ofFiles)];
    return {
      looks: new Map([...own.looks, ...others.looks]),
      busyMs: own.busyMs + others.busyMs,
    };
  }

  close(): void {
    const thread = this.#thread;
    this.#forget();
    // The promise says when it has ended, for which nobody waits.
    thread?.terminate().catch(() => undefined);
  }

  async #lookAtMany(sources: readonly AnySource[]): Promise<Looked> {
    const isSame =
      this.#known.length === sources.length &&
      sources.every((source, at) => source === this.#known[at]);
    const request = isSame ? {} : { files: sources.map(({ files }) => files) };
    if (!isSame) this.#looks = new Map();
    this.#known = sources;
    const { changed, busyMs } = await this.#ask(request);
    for (const [position, looks] of changed) {
      const source = sources[position];
      if (source !== undefined) this.#looks.set(source, looks);
    }
    return { looks: this.#looks, busyMs };
  }

  async #ask(request: WatchRequest): Promise<WatchReply> {
    const thread = (this.#thread ??= new Worker(ENTRY));
    const { promise, resolve: take, reject } = Promise.withResolvers<WatchReply>();
    const end = (): void => reject(new Error("The thread that looks at files has ended."));
    thread.once("message", take).once("error", reject).once("exit", end);
    thread.ref();
    try {
      // A thread has no origin.
      // oxlint-disable-next-line unicorn/require-post-message-target-origin
      thread.postMessage(request);
      return await promise;
    } catch (error) {
      if (this.#thread === thread) this.#forget();
      throw error;
    } finally {
      thread.off("message", take).off("error", reject).off("exit", end).unref();
    }
  }

  #forget(): void {
    this.#thread = undefined;
    this.#known = [];
    this.#looks = new Map();
  }
}

/** Looks at the files of these sources once. */
export async function lookOnce(sources: readonly AnySource[]): Promise<Looked["looks"]> {
  const watch = new FileWatch();
  try {
    const { looks } = await watch.look(sources);
    return looks;
  } finally {
    watch.close();
  }
}

async function lookAtFew(sources: readonly AnySource[]): Promise<Looked> {
  const looks = await inTurn(sources, async (source) => [source, await source.look()] as const);
  return { looks: new Map(looks), busyMs: 0 };
}
