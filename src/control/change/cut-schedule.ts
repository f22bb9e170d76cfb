import type { Document } from "#model/document/document.ts";
import { DirectorError } from "#model/failure.ts";
import type { CutStatus } from "#model/records/cut-status.ts";
import type { PlannedCut } from "#protocol/messages.ts";
import type { EventBus } from "../event-bus.ts";
import {
  keyOf,
  namesOf,
  stillWanted,
  withCut,
  type CutTarget,
  type CutTerm,
  type ScheduledCut,
} from "./cut-term.ts";

/** How many cuts may wait for their deadline. */
const MAX_CUTS = 1_000;
/** Workers report what they have cut within this time. */
const COUNT_MS = 1_000;
/** A worker that was late to commit a change gets a cut whose deadline has passed within this time. */
const KEPT_MS = 10_000;

/**
 * The deadlines at which the workers cut open connections to servers. Every change of the document updates them. The workers have
 * all of them and carry them out by themselves.
 */
export class CutSchedule {
  readonly #bus: EventBus;
  #cuts: readonly ScheduledCut[] = [];
  #lastNumber = 0;
  /** How many connections the workers have cut, by the number of the cut, until that is published. */
  readonly #counts = new Map<number, number>();
  readonly #timers = new Map<number, NodeJS.Timeout>();

  constructor(bus: EventBus) {
    this.#bus = bus;
  }

  /** Throws `too-many-requests` if the schedule is full. */
  refuseIfFull(term: CutTerm | undefined): void {
    if (term === undefined || this.#pending().length < MAX_CUTS) return;
    const detail = `${MAX_CUTS} deadlines for open connections have not passed yet.`;
    throw new DirectorError("too-many-requests", detail);
  }

  /**
   * Puts the schedule in force that belongs to `after`, with the cut that is a term of the change. `onStandby` has the profiles that
   * standby servers serve then.
   */
  follow(
    before: Document,
    after: Document,
    term: CutTerm | undefined,
    onStandby: readonly string[],
  ): void {
    const nowMs = performance.now();
    const recent = this.#cuts.filter(({ dueAtMs }) => dueAtMs + KEPT_MS > nowMs);
    const wanted = stillWanted(recent, after);
    if (term === undefined) return this.#put(wanted);
    const { afterMs, ...target } = term;
    this.#lastNumber += 1;
    const facts = { before, after, onStandby, number: this.#lastNumber, dueAtMs: nowMs + afterMs };
    this.#put(withCut(wanted, target, facts));
    this.#counts.set(facts.number, 0);
    this.#timers.set(
      facts.number,
      setTimeout(() => this.#publishCount(facts.number, target), afterMs + COUNT_MS).unref(),
    );
    this.#bus.publish({ name: "cut-planned", ...namesOf(target), inMs: afterMs });
  }

  #put(cuts: readonly ScheduledCut[]): void {
    const numbers = new Set(cuts.map(({ number }) => number));
    const keys = new Set(cuts.map(({ target }) => keyOf(target)));
    for (const { number, target } of this.#pending()) {
      if (numbers.has(number)) continue;
      clearTimeout(this.#timers.get(number));
      this.#timers.delete(number);
      this.#counts.delete(number);
      // One with the same target takes its place.
      if (keys.has(keyOf(target))) continue;
      this.#bus.publish({ name: "cut-taken-back", ...namesOf(target) });
    }
    this.#cuts = cuts;
  }

  #publishCount(number: number, target: CutTarget): void {
    const cut = this.#counts.get(number) ?? 0;
    this.#counts.delete(number);
    this.#timers.delete(number);
    this.#bus.publish({ name: "cut-done", ...namesOf(target), cut });
  }

  /** Takes how many connections a worker has cut. */
  counted(number: number, cut: number): void {
    const sum = this.#counts.get(number);
    if (sum !== undefined) this.#counts.set(number, sum + cut);
  }

  /** Returns what a worker must have, with the time that is left. */
  planned(): readonly PlannedCut[] {
    const nowMs = performance.now();
    return this.#cuts.map(({ number, target, except, dueAtMs }) => ({
      number,
      inMs: Math.max(0, dueAtMs - nowMs),
      ...namesOf(target),
      except,
    }));
  }

  /** Returns the cuts whose deadlines have not passed, the next one first. */
  statuses(): readonly CutStatus[] {
    const nowMs = performance.now();
    return this.#pending()
      .toSorted((one, other) => one.dueAtMs - other.dueAtMs)
      .map(({ target, dueAtMs }) => ({
        ...namesOf(target),
        at: new Date(Date.now() + dueAtMs - nowMs).toISOString(),
      }));
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #pending(): readonly ScheduledCut[] {
    const nowMs = performance.now();
    return this.#cuts.filter(({ dueAtMs }) => dueAtMs > nowMs);
  }
}
