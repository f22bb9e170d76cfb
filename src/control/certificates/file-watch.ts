import { extname, resolve } from "node:path";
import { Worker } from "node:worker_threads";
import type { Notice } from "../notice.ts";
import type { DocumentSource } from "./document-sources.ts";
import { inTurn } from "./in-turn.ts";
import type { SourceVersion } from "./sources.ts";
import type { WatchReply, WatchRequest } from "./watch-thread.ts";

type AnySource = DocumentSource<SourceVersion>;

/** The program runs as it is written, and as JavaScript in an installed package. */
const ENTRY = resolve(import.meta.dirname, `watch-thread${extname(import.meta.filename)}`);
/** A thread costs some megabytes of memory, so a director with few certificates does without. */
export const FEW_SOURCES = 200;
/** A look takes milliseconds, unless the files are on another machine that does not answer. */
const LOOK_DEADLINE_MS = 10_000;

/** The notice that stands while a look is late. */
export const FILES_LATE: Notice = {
  event: "certificate-files-late",
  text: `A file system with certificate files has not answered for ${LOOK_DEADLINE_MS / 1_000} s. What is in use stays, and new files are not noticed until it answers.`,
};

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
  /** Ends the look that is late. */
  #giveUp: (() => void) | undefined;

  /**
   * The same list means the same sources as in the look before. Rejects if the thread fails or `close` is called. The next look then starts a
   * thread again.
   */
  async look(sources: readonly AnySource[]): Promise<Looked> {
    return sources.length <= FEW_SOURCES ? lookAtFew(sources) : this.#lookAtMany(sources);
  }

  /**
   * Does the same, and calls `onLate` with true after each `deadlineMs` that pass meanwhile, and then with false at the end. Resolves to
   * undefined if `giveUpLate` ends the look.
   */
  async lookInTime(
    sources: readonly AnySource[],
    deadlineMs: number = LOOK_DEADLINE_MS,
    onLate: (isLate: boolean) => void,
  ): Promise<Looked | undefined> {
    const given = Promise.withResolvers<undefined>();
    const late = setInterval(() => {
      this.#giveUp = () => given.resolve(undefined);
      onLate(true);
    }, deadlineMs);
    try {
      return await Promise.race([this.look(sources), given.promise]);
    } finally {
      clearInterval(late);
      if (this.#giveUp !== undefined) onLate(false);
      this.#giveUp = undefined;
    }
  }

  /** Ends a look that is late, because its sources are no longer watched. The next one begins anew. */
  giveUpLate(): void {
    if (this.#giveUp === undefined) return;
    this.#giveUp();
    this.close();
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

/** One after the other: a file system that does not answer then holds only one of the threads that all asynchronous calls share. */
async function lookAtFew(sources: readonly AnySource[]): Promise<Looked> {
  const looks = await inTurn(sources, async (source) => [source, await source.look()] as const, 1);
  return { looks: new Map(looks), changed: sources, busyMs: 0 };
}
