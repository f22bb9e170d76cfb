import type { DirectorEvent } from "./director-event.ts";

type Subscriber = (event: DirectorEvent) => void;

/**
 * Calls every subscriber with each event before `publish` returns, in the order in which they subscribed. The bus keeps no
 * event, so a subscriber that works slowly has to keep, and to bound, its own backlog. A subscriber that throws is reported
 * and affects neither the publisher nor the other subscribers.
 */
export class EventBus {
  readonly #subscribers = new Set<Subscriber>();
  readonly #onFault: (error: unknown) => void;
  #isPublishing = false;

  /** `onFault` gets what a subscriber throws, after the event has reached the others. It may publish. */
  constructor(onFault: (error: unknown) => void) {
    this.#onFault = onFault;
  }

  /** Returns what ends the subscription. */
  subscribe(subscriber: Subscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => void this.#subscribers.delete(subscriber);
  }

  /** Throws if a subscriber calls it: events that cause events could reach subscribers in different orders, or never end. */
  publish(event: DirectorEvent): void {
    if (this.#isPublishing) throw new Error(`A subscriber published the event ${event.name}.`);
    this.#isPublishing = true;
    const faults: unknown[] = [];
    for (const subscriber of this.#subscribers) {
      try {
        subscriber(event);
      } catch (error) {
        faults.push(error);
      }
    }
    this.#isPublishing = false;
    for (const fault of faults) this.#onFault(fault);
  }
}
