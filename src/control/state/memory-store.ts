import { randomUUID } from "node:crypto";
import { HeadWatch } from "./head-watch.ts";
import { checkAdvance, checkHashes, checkLimit, checkPut, checkRewrite } from "./store-limits.ts";
import { MAX_OPERATIONS, UNREFERENCED_MS, type Hash, type Head, type Store } from "./store.ts";
import { valueHashOf } from "./tree/value-hash.ts";

interface Kept {
  readonly value: string;
  readonly putAtMs: number;
}

/** A store that ends with the process. */
export class MemoryStore implements Store {
  readonly #id = randomUUID();
  /** The heads of each line, the oldest first. */
  readonly #lines = new Map<string, readonly Head[]>();
  readonly #values = new Map<Hash, Kept>();
  readonly #watch = new HeadWatch();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs;
  }

  async id(): Promise<string> {
    return this.#id;
  }

  async head(line: string): Promise<Head | undefined> {
    return this.#lines.get(line)?.at(-1);
  }

  async heads(line: string, before: number, limit: number): Promise<readonly Head[]> {
    checkLimit(limit);
    const heads = this.#lines.get(line) ?? [];
    return heads
      .filter(({ number }) => number < before)
      .toReversed()
      .slice(0, limit);
  }

  async lines(): Promise<readonly string[]> {
    return [...this.#lines.keys()].toSorted();
  }

  async values(hashes: readonly Hash[]): Promise<ReadonlyMap<Hash, string>> {
    checkHashes(hashes);
    const found = new Map<Hash, string>();
    for (const hash of hashes) {
      const kept = this.#values.get(hash);
      if (kept !== undefined) found.set(hash, kept.value);
    }
    return found;
  }

  async put(values: readonly string[]): Promise<void> {
    checkPut(values);
    const putAtMs = this.#nowMs();
    for (const value of values) this.#values.set(valueHashOf(value), { value, putAtMs });
  }

  async advance(heads: readonly Head[]): Promise<boolean> {
    checkAdvance(heads);
    const isNext = ({ line, parent }: Head): boolean => {
      const newest = this.#lines.get(line)?.at(-1);
      return newest === undefined || newest.number === parent;
    };
    if (!heads.every(isNext)) return false;
    for (const head of heads) {
      this.#lines.set(head.line, [...(this.#lines.get(head.line) ?? []), structuredClone(head)]);
    }
    this.#watch.note();
    return true;
  }

  async rewrite(heads: readonly Head[]): Promise<boolean> {
    checkRewrite(heads);
    const isSame = (one: Head, other: Head): boolean =>
      one.line === other.line && one.number === other.number;
    const exists = (head: Head): boolean =>
      this.#lines.get(head.line)?.some((one) => isSame(one, head)) === true;
    if (!heads.every(exists)) return false;
    for (const head of heads) {
      const before = this.#lines.get(head.line) ?? [];
      const after = before.map((one) => (isSame(one, head) ? structuredClone(head) : one));
      this.#lines.set(head.line, after);
    }
    return true;
  }

  async forget(line: string, number: number): Promise<void> {
    const heads = this.#lines.get(line);
    if (heads === undefined) return;
    const kept = heads.filter((head) => head.number > number);
    this.#lines.set(line, kept.length === 0 ? heads.slice(-1) : kept);
  }

  async oldValues(after: Hash): Promise<readonly Hash[]> {
    return [...this.#values.keys()]
      .filter((hash) => hash > after && this.#isOld(hash))
      .toSorted()
      .slice(0, MAX_OPERATIONS);
  }

  async discard(hashes: readonly Hash[]): Promise<void> {
    checkHashes(hashes);
    for (const hash of hashes) if (this.#isOld(hash)) this.#values.delete(hash);
  }

  async erase(values: readonly string[]): Promise<void> {
    checkHashes(values);
    for (const value of values) this.#values.delete(valueHashOf(value));
  }

  async scrub(): Promise<void> {}

  watch(line: string, after: number, signal: AbortSignal): AsyncIterable<Head> {
    return this.#watch.watch(this, line, after, signal);
  }

  async close(): Promise<void> {}

  #isOld(hash: Hash): boolean {
    const kept = this.#values.get(hash);
    return kept !== undefined && kept.putAtMs <= this.#nowMs() - UNREFERENCED_MS;
  }
}
