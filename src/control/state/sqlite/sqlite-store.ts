import { DirectorError } from "#model/failure.ts";
import { HeadWatch } from "../head-watch.ts";
import { checkAdvance, checkHashes, checkLimit, checkPut, checkRewrite } from "../store-limits.ts";
import type { Hash, Head, Store } from "../store.ts";
import type { Trouble } from "../trouble.ts";
import { valueHashOf } from "../tree/value-hash.ts";
import { DatabaseThread } from "./database-thread.ts";
import type { ArgsOf, OperationName, ResultOf } from "./requests.ts";
import type { StateFileOptions } from "./state-file.ts";

export interface SqliteStoreOptions extends StateFileOptions, Trouble {
  /** Called when all revisions that an earlier version saved were converted. */
  readonly onConverted?: (revisions: number, durationMs: number) => void;
  /** The interval of further attempts while the database cannot be written. */
  readonly retryMs?: number;
  readonly deadlineMs?: number;
  readonly nowMs?: () => number;
}

const RETRY_MS = 10_000;
const DEADLINE_MS = 30_000;

/**
 * Keeps the state in `<folder>/state.db`. If the database cannot be opened or written, the director goes on: the store opens it
 * again at the next use, and until then reads what can be read.
 */
export class SqliteStore implements Store {
  readonly #options: SqliteStoreOptions;
  readonly #thread: DatabaseThread;
  readonly #watch = new HeadWatch();
  readonly #nowMs: () => number;
  #retryTimer: NodeJS.Timeout | undefined;
  /** The id that the caller knows. */
  #id: string | undefined;
  #isClosed = false;

  /** Never throws. `onTrouble` is called if the database cannot be written. */
  constructor(options: SqliteStoreOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#thread = new DatabaseThread({
      ...options,
      deadlineMs: options.deadlineMs ?? DEADLINE_MS,
      onConverted: options.onConverted ?? (() => undefined),
    });
    this.#probe();
  }

  async id(): Promise<string> {
    this.#id = await this.#read("id");
    return this.#id;
  }

  head(line: string): Promise<Head | undefined> {
    return this.#read("head", line);
  }

  async heads(line: string, before: number, limit: number): Promise<readonly Head[]> {
    checkLimit(limit);
    return this.#read("heads", line, before, limit);
  }

  lines(): Promise<readonly string[]> {
    return this.#read("lines");
  }

  async values(hashes: readonly Hash[]): Promise<ReadonlyMap<Hash, string>> {
    checkHashes(hashes);
    return this.#read("values", hashes);
  }

  async put(values: readonly string[]): Promise<void> {
    checkPut(values);
    await this.#write("put", this.#id, values, this.#nowMs());
  }

  async advance(heads: readonly Head[]): Promise<boolean> {
    checkAdvance(heads);
    const isAdvanced = await this.#write("advance", this.#id, heads);
    if (isAdvanced) this.#watch.note();
    return isAdvanced;
  }

  async rewrite(heads: readonly Head[]): Promise<boolean> {
    checkRewrite(heads);
    return this.#write("rewrite", this.#id, heads);
  }

  forget(line: string, number: number): Promise<void> {
    return this.#write("forget", line, number);
  }

  oldValues(after: Hash): Promise<readonly Hash[]> {
    return this.#read("oldValues", after, this.#nowMs());
  }

  async discard(hashes: readonly Hash[]): Promise<void> {
    checkHashes(hashes);
    await this.#write("discard", hashes, this.#nowMs());
  }

  async erase(values: readonly string[]): Promise<void> {
    checkHashes(values);
    if (values.length > 0) await this.#write("erase", values.map(valueHashOf));
  }

  scrub(): Promise<void> {
    return this.#write("scrub");
  }

  watch(line: string, after: number, signal: AbortSignal): AsyncIterable<Head> {
    return this.#watch.watch(this, line, after, signal);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retryTimer);
    await this.#thread.close();
  }

  async #read<Name extends OperationName>(
    name: Name,
    ...args: ArgsOf<Name>
  ): Promise<ResultOf<Name>> {
    const { value, trouble } = await this.#call(name, args);
    if (trouble !== undefined) this.#fail(trouble);
    return value;
  }

  async #write<Name extends OperationName>(
    name: Name,
    ...args: ArgsOf<Name>
  ): Promise<ResultOf<Name>> {
    const { value } = await this.#call(name, args);
    this.#recover();
    return value;
  }

  async #call<Name extends OperationName>(
    name: Name,
    args: ArgsOf<Name>,
  ): Promise<{ readonly value: ResultOf<Name>; readonly trouble?: string }> {
    try {
      const { value, ...rest } = await this.#thread.call({ name, args });
      return { value: value as ResultOf<Name>, ...rest };
    } catch (error) {
      this.#fail(error instanceof DirectorError ? (error.detail ?? "") : String(error));
      throw error;
    }
  }

  #probe(): void {
    // A failure is reported as every failure is.
    this.#write("probe").catch(() => undefined);
  }

  #recover(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#options.onSound();
  }

  #fail(detail: string): void {
    if (this.#isClosed) return;
    this.#options.onTrouble(detail);
    this.#retryTimer ??= setTimeout(() => {
      this.#retryTimer = undefined;
      this.#probe();
    }, this.#options.retryMs ?? RETRY_MS).unref();
  }
}
