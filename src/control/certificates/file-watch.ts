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
export const FEW_SOURCES = 200;

export interface Looked {
  /** How the files of each source look now. */
  readonly looks: ReadonlyMap<AnySource, string>;
  /** The sources that may look different than in the look before. */
  readonly changed: Iterable<AnySource>;
  /** How much processor time the looks took, or 0 if it does not matter because the sources are few. */
  readonly busyMs: number;
}

/** Looks at the files of all sources, those of many in a thread of its own. */
export class FileWatch {
  #thread: Worker | undefined;
  /** The thread has been sent the paths of these sources. */
  #known: readonly AnySource[] = [];
  #looks = new Map<AnySource, string>();

  /**
   * The same list means the same sources as in the look before. Rejects if the thread fails or `close` is called. The next look then starts a
   * thread again.
   */
  async look(sources: readonly AnySource[]): Promise<Looked> {
    return sources.length <= FEW_SOURCES ? lookAtFew(sources) : this.#lookAtMany(sources);
  }

  close(): void {
    const thread = this.#thread;
    this.#forget();
    // The promise says when it has ended, for which nobody waits.
    thread?.terminate().catch(() => undefined);
  }

  async #lookAtMany(sources: readonly AnySource[]): Promise<Looked> {
    const isSame = this.#known === sources;
    const request = isSame ? {} : { files: sources.map(({ files }) => files) };
    if (!isSame) this.#looks = new Map();
    this.#known = sources;
    const { changed, busyMs } = await this.#ask(request);
    const found = changed.flatMap(([position, looks]) => {
      const source = sources[position];
      if (source === undefined) return [];
      this.#looks.set(source, looks);
      return [source];
    });
    const kept = await this.#lookAtKept(sources);
    return { looks: this.#looks, changed: [...found, ...kept], busyMs };
  }

  /** The thread does not know the inventory, which is in memory. Returns the sources that look different than before. */
  async #lookAtKept(sources: readonly AnySource[]): Promise<readonly AnySource[]> {
    const changed: AnySource[] = [];
    for (const source of sources) {
      if (source.kind === "files") continue;
      const looks = await source.look();
      if (this.#looks.get(source) !== looks) changed.push(source);
      this.#looks.set(source, looks);
    }
    return changed;
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
  return { looks: new Map(looks), changed: sources, busyMs: 0 };
}
