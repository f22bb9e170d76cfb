import type { EventBus } from "./event-bus.ts";

/** A sentence about a condition that an operator should act on. `event` is the name of its event in the log. */
export interface Notice {
  readonly event: string;
  readonly text: string;
}

/** The notices that apply now. The status shows them. An event is published when a notice is raised and when it is cleared. */
export class Notices {
  readonly #bus: EventBus;
  readonly #current = new Map<string, string>();

  constructor(bus: EventBus) {
    this.#bus = bus;
  }

  /** If a notice with the same event exists, only its text is replaced and no event is published. */
  raise(notice: Notice): void {
    const isNew = !this.#current.has(notice.event);
    this.#current.set(notice.event, notice.text);
    if (isNew) this.#bus.publish({ name: "notice-raised", notice });
  }

  /** Does nothing if there is no notice with that event. */
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
