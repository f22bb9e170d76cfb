import type { Logger } from "./telemetry/log.ts";

/** A line that an operator should act on. */
export interface Notice {
  readonly event: string;
  readonly text: string;
}

/** What needs attention now: in the log once when it comes and once when it goes, and in the status meanwhile. */
export class Notices {
  readonly #log: Logger;
  readonly #current = new Map<string, string>();

  constructor(log: Logger, first: readonly Notice[] = []) {
    this.#log = log;
    for (const notice of first) this.raise(notice);
  }

  /** A notice of the same event that is there already gets the new text, without another line in the log. */
  raise({ event, text }: Notice): void {
    if (!this.#current.has(event)) this.#log.warn({ event }, text);
    this.#current.set(event, text);
  }

  /** Nothing happens if there is no notice of that event. */
  clear(event: string): void {
    if (!this.#current.delete(event)) return;
    this.#log.info({ event: "notice-over", notice: event }, `It is over: ${event}.`);
  }

  has(event: string): boolean {
    return this.#current.has(event);
  }

  texts(): readonly string[] {
    return [...this.#current.values()];
  }
}
