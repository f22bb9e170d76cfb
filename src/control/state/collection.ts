import { headsAbove } from "./head-watch.ts";
import { DOCUMENT_LINE, FILE_LINE } from "./document-lines.ts";
import { HashFilter } from "./hash-filter.ts";
import { UNREFERENCED_MS, type Hash, type Head, type Store } from "./store.ts";
import { certificateOfEntry } from "./document-entries.ts";
import { rootOf } from "./revision-head.ts";
import { addedHashes, compareTrees } from "./tree/content-tree.ts";
import { NodeCache } from "./tree/node-cache.ts";

/** How much of the history is kept besides the newest revision. */
export interface KeptHistory {
  readonly revisions: number;
  readonly days: number;
}

const DEFAULT_HISTORY: KeptHistory = { revisions: 1_000, days: 400 };
const DAY_MS = 24 * 3_600_000;
const INTERVAL_MS = 3_600_000;

export interface CollectionParts {
  readonly store: Store;
  readonly kept?: KeptHistory;
  /** Called when old revisions have been deleted, to delete what they alone needed. */
  readonly onForgotten?: () => Promise<void>;
}

/** Deletes old revisions, and the values that no revision needs any more. A failure is made up for by a later run. */
export class Collection {
  readonly #store: Store;
  readonly #kept: KeptHistory;
  readonly #onForgotten: () => Promise<void>;
  readonly #timer: NodeJS.Timeout;
  readonly #stopped = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor({ store, kept = DEFAULT_HISTORY, onForgotten = async () => {} }: CollectionParts) {
    this.#store = store;
    this.#kept = kept;
    this.#onForgotten = onForgotten;
    this.#timer = setInterval(() => this.#run(() => this.#collect()), INTERVAL_MS).unref();
  }

  /** To be called when a revision has been saved. */
  noteRevision(revision: number): void {
    const last = revision - this.#kept.revisions;
    if (last > 0) this.#run(() => this.#store.forget(DOCUMENT_LINE, last));
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopped.abort();
    await this.#running;
  }

  async #collect(): Promise<void> {
    await forgetOld(this.#store, this.#kept, Date.now());
    await this.#onForgotten();
    await collectValues(this.#store, this.#stopped.signal);
  }

  #run(work: () => Promise<unknown>): void {
    if (this.#stopped.signal.aborted) return;
    this.#running = this.#running.then(work).catch(() => undefined);
  }
}

/** Deletes the revisions that are too many or too old. The newest one stays. */
export async function forgetOld(
  store: Store,
  { revisions, days }: KeptHistory,
  nowMs: number,
): Promise<void> {
  const isOld = ({ at }: Head): boolean => Date.parse(at) < nowMs - days * DAY_MS;
  for (const line of [DOCUMENT_LINE, FILE_LINE]) {
    const heads = await headsAbove(store, line, 0);
    const lastOld = heads.findLast(isOld)?.number ?? 0;
    const newest = heads.at(-1)?.number ?? 0;
    await store.forget(line, Math.max(lastOld, newest - revisions));
  }
}

/** Resolves to the names of all certificates in the documents that are kept, those of revisions and those of the file. */
export async function certificatesInHistory(store: Store): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (const line of [DOCUMENT_LINE, FILE_LINE]) {
    const cache = new NodeCache(store);
    let before: Hash | undefined;
    for (const { roots } of await headsAbove(store, line, 0)) {
      const root = rootOf(roots);
      const { after } = await compareTrees(cache, before, root);
      for (const key of after.keys()) {
        const name = certificateOfEntry(key);
        if (name !== undefined) names.add(name);
      }
      before = root;
    }
  }
  return names;
}

/**
 * Discards the values that no head of any line needs. Returns how many were found. Heads that are added meanwhile are safe: the
 * store keeps what was put less than `UNREFERENCED_MS` ago, and the collection ends before a value that it has not seen can be
 * older than that.
 */
export async function collectValues(store: Store, signal: AbortSignal): Promise<number> {
  const startedMs = performance.now();
  const needed = new HashFilter();
  for (const line of await store.lines()) await markLine(store, line, needed);
  let found = 0;
  let after: Hash = "";
  for (;;) {
    const hashes = await store.oldValues(after);
    const last = hashes.at(-1);
    const isLate = performance.now() - startedMs > UNREFERENCED_MS / 2;
    if (last === undefined || isLate || signal.aborted) return found;
    const unneeded = hashes.filter((hash) => !needed.mayHave(hash));
    if (unneeded.length > 0) await store.discard(unneeded);
    found += unneeded.length;
    after = last;
  }
}

/** Adds the hashes of all values that the heads of a line need. */
export async function markLine(
  store: Store,
  line: string,
  needed: Pick<HashFilter, "add">,
): Promise<void> {
  const cache = new NodeCache(store);
  let before: Head["roots"] = {};
  for (const { roots } of await headsAbove(store, line, 0)) {
    for (const hash of await addedHashes(cache, before, roots)) needed.add(hash);
    before = roots;
  }
}
