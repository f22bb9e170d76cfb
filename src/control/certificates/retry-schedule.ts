import type { SourceEntry } from "./source-entry.ts";
import type { SourceVersion } from "./sources.ts";

/** How many refused sources are read again in one look although their files have not changed. */
const MAX_RETRIES_IN_A_LOOK = 32;
/** What failed is tried again after this number of looks. The number doubles with each failure. */
const LOOKS_TO_RETRY = 2;
const MAX_LOOKS_AFTER_CHANGE = 32;
const MAX_LOOKS_AFTER_READING = 512;
/** Refusals that can end without new files: with time, with another document, or with another state of the system. */
const PASSING_CODES: readonly string[] = [
  "certificate-expired",
  "certificate-not-yet-valid",
  "ca-expired",
  "ca-not-yet-valid",
  "crl-expired",
  "crl-not-yet-valid",
  "suite-without-key-type",
  "file-unreadable",
  "system-ca-missing",
  "internal",
];
/**
 * Refusals after a deadline, which say little about the files if the machine was busy, and those that end when the version in use has
 * expired.
 */
const SLOW_CODES: readonly string[] = [
  "reading-too-long",
  "reader-failed",
  "fewer-names",
  "other-key-type",
  "weaker-key",
];

type AnyEntry = SourceEntry<SourceVersion>;

interface Failure {
  readonly count: number;
  looksLeft: number;
}

/** Decides when a refused source is read again although its files have not changed. */
export class RetrySchedule {
  /** By the place of the source. */
  readonly #failures = new Map<string, Failure>();
  /** Retries since the start, so that each look continues with the next of many. */
  #retriesDone = 0;

  /** Forgets all failures. */
  clear(): void {
    this.#failures.clear();
  }

  /** Forgets the failures of a source. */
  forget({ source }: AnyEntry): void {
    this.#failures.delete(source.place);
  }

  /** To be called when the change to a new version has failed. */
  noteFailedChange({ source }: AnyEntry): void {
    this.#postpone(source.place, MAX_LOOKS_AFTER_CHANGE);
  }

  /** To be called after a reading that brought no new version. A slow file is read again less and less often. */
  noteReading(entry: AnyEntry): void {
    const [refusal] = entry.refusals;
    if (refusal === undefined) this.forget(entry);
    else if (SLOW_CODES.includes(refusal.code)) {
      this.#postpone(entry.source.place, MAX_LOOKS_AFTER_READING);
    }
  }

  /** Returns the sources to read again in this look. To be called once in each look. */
  take<Looked extends { readonly entry: AnyEntry }>(looked: readonly Looked[]): readonly Looked[] {
    const due = looked.filter(({ entry }) => this.#isDue(entry));
    if (due.length <= MAX_RETRIES_IN_A_LOOK) return due;
    const from = this.#retriesDone % due.length;
    this.#retriesDone += MAX_RETRIES_IN_A_LOOK;
    return [...due.slice(from), ...due.slice(0, from)].slice(0, MAX_RETRIES_IN_A_LOOK);
  }

  #isDue({ source, refusals }: AnyEntry): boolean {
    const [refusal] = refusals;
    if (refusal === undefined) return false;
    const failure = this.#failures.get(source.place);
    if (failure === undefined) {
      return PASSING_CODES.includes(refusal.code) || SLOW_CODES.includes(refusal.code);
    }
    failure.looksLeft -= 1;
    return failure.looksLeft <= 0;
  }

  #postpone(place: string, maxLooks: number): void {
    const count = (this.#failures.get(place)?.count ?? 0) + 1;
    this.#failures.set(place, { count, looksLeft: Math.min(maxLooks, LOOKS_TO_RETRY ** count) });
  }
}
