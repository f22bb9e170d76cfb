import type { DirectorEvent } from "./director-event.ts";

type Subscriber = (event: DirectorEvent) => void;

/**
 * Calls every subscriber with each event before `publish` returns, in the order of subscription. The bus does not queue events,
 * so a slow subscriber needs a bounded queue of its own. An exception of a subscriber is reported and affects neither the
 * publisher nor the other subscribers.
 */
export class EventBus {
  readonly #subscribers = new Set<Subscriber>();
  readonly #onFault: (error: unknown) => void;
  #isPublishing = false;

  /** `onFault` is called with the exception of a subscriber, after all subscribers have got the event. It may publish. */
  constructor(onFault: (error: unknown) => void) {
    this.#onFault = onFault;
  }

  /** Returns a function that ends the subscription. */
  subscribe(subscriber: Subscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => void this.#subscribers.delete(subscriber);
  }

  /** Throws if a subscriber calls it. Otherwise events could reach subscribers in different orders, or cause each other forever. */
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
