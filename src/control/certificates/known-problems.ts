import type { Problem } from "#model/failure.ts";
import type { DocumentSource } from "./document-sources.ts";
import { problemsOf } from "./load-sources.ts";
import type { SourceEntry } from "./source-entry.ts";
import type { SourceVersion } from "./sources.ts";

type AnyEntry = SourceEntry<SourceVersion>;
type AnySource = DocumentSource<SourceVersion>;

/**
 * The problems of the entries in force. They are computed for an entry that changes, and for all entries only when time may have changed
 * them, because most of ten thousand certificates have no problem for weeks.
 */
export class KnownProblems {
  #entries: AnyEntry[] = [];
  #positions: ReadonlyMap<AnySource, number> = new Map();
  /** The problems of the entries that have some, by position. */
  #found = new Map<number, readonly Problem[]>();
  #all: readonly Problem[] | undefined;
  /** From when until when `#found` is right, in milliseconds since the epoch. */
  #fromMs = Infinity;
  #untilMs = -Infinity;

  /** Takes over the entries of another document. Those that it has in common with the one before are not computed again. */
  follow(entries: Iterable<AnyEntry>, nowMs: number): void {
    const [before, positions, found] = [this.#entries, this.#positions, this.#found];
    this.#entries = [...entries];
    this.#positions = new Map(this.#entries.map(({ source }, position) => [source, position]));
    if (!this.#isRightAt(nowMs)) return;
    this.#found = new Map();
    this.#all = undefined;
    for (const [position, entry] of this.#entries.entries()) {
      const at = positions.get(entry.source) ?? -1;
      if (before[at] !== entry) this.#compute(position, entry, nowMs);
      else if (found.has(at)) this.#found.set(position, found.get(at) ?? []);
    }
  }

  /** Takes over an entry that has replaced the one of the same source. */
  replace(entry: AnyEntry, nowMs: number): void {
    const position = this.#positions.get(entry.source);
    if (position === undefined) return;
    this.#entries[position] = entry;
    if (this.#isRightAt(nowMs)) this.#compute(position, entry, nowMs);
  }

  /** Returns all problems in the order of the entries, and the same list until they change. */
  at(nowMs: number): readonly Problem[] {
    if (!this.#isRightAt(nowMs)) this.#computeAll(nowMs);
    return (this.#all ??= this.#positionsWithProblems().flatMap((at) => this.#found.get(at) ?? []));
  }

  /** Returns the entries that have at least one refusal. */
  refused(nowMs: number): readonly AnyEntry[] {
    if (!this.#isRightAt(nowMs)) this.#computeAll(nowMs);
    return this.#positionsWithProblems().flatMap((position) => {
      const entry = this.#entries[position];
      return entry === undefined || entry.refusals.length === 0 ? [] : [entry];
    });
  }

  #isRightAt(nowMs: number): boolean {
    return this.#fromMs <= nowMs && nowMs < this.#untilMs;
  }

  #positionsWithProblems(): readonly number[] {
    return [...this.#found.keys()].toSorted((one, other) => one - other);
  }

  #computeAll(nowMs: number): void {
    this.#found.clear();
    this.#all = undefined;
    this.#fromMs = nowMs;
    this.#untilMs = Infinity;
    for (const [position, entry] of this.#entries.entries()) {
      this.#compute(position, entry, nowMs);
    }
  }

  #compute(position: number, entry: AnyEntry, nowMs: number): void {
    const problems = problemsOf(entry, nowMs);
    if (problems.length > 0 || this.#found.has(position)) this.#all = undefined;
    if (problems.length === 0) this.#found.delete(position);
    else this.#found.set(position, problems);
    if (entry.version === undefined) return;
    for (const turnMs of entry.source.turnsMsOf(entry.version)) {
      if (turnMs > nowMs && turnMs < this.#untilMs) this.#untilMs = turnMs;
    }
  }
}
