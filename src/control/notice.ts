import type { EventBus } from "./event-bus.ts";

/** A line that an operator should act on. */
export interface Notice {
  readonly event: string;
  readonly text: string;
}

/** What needs attention now: an event when it comes and when it goes, and in the status meanwhile. */
export class Notices {
  readonly #bus: EventBus;
  readonly #current = new Map<string, string>();

  constructor(bus: EventBus) {
    this.#bus = bus;
  }

  /** A notice of the same event that is there already gets the new text, without another event. */
  raise(notice: Notice): void {
    const isNew = !this.#current.has(notice.event);
    this.#current.set(notice.event, notice.text);
    if (isNew) this.#bus.publish({ name: "notice-raised", notice });
  }

  /** Nothing happens if there is no notice of that event. */
  clear(event: string): void {
    if (!this.#current.delete(event)) return;
    this.#bus.publish({ name: "notice-over", notice: event });
  }

  has(event: string): boolean {
    return this.#current.has(event);
  }

  texts(): readonly string[] {
    return [...this.#current.values()];
  }
}
