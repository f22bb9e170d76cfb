import type { DirectorEvent } from "./director-event.ts";

export type EventListener = (event: DirectorEvent) => void;

/**
 * Hands each event to every listener: at once, in the order in which the listeners subscribed, and each event to all of them
 * before the next. Nothing is kept, so a listener that works slowly must keep and bound its own backlog. A listener that
 * throws is reported and harms neither the publisher nor the other listeners.
 */
export class EventBus {
  readonly #listeners = new Set<EventListener>();
  readonly #onFault: (error: unknown) => void;
  #isPublishing = false;

  /** `onFault` gets what a listener throws, after the event has reached the others. It may publish. */
  constructor(onFault: (error: unknown) => void) {
    this.#onFault = onFault;
  }

  /** Returns what ends the subscription. */
  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Throws an error inside a listener: events that cause events would come in another order to each listener, or never end. */
  publish(event: DirectorEvent): void {
    if (this.#isPublishing) throw new Error(`A listener of events published ${event.name}.`);
    this.#isPublishing = true;
    const faults: unknown[] = [];
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        faults.push(error);
      }
    }
    this.#isPublishing = false;
    for (const fault of faults) this.#onFault(fault);
  }
}
