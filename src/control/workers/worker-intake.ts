import { totalmem } from "node:os";
import type { ConnectionRecord } from "#model/connection-record.ts";
import type { ListenerName } from "#model/names.ts";
import type { Snapshot } from "#model/snapshot.ts";
import type { ToControl } from "#protocol/messages.ts";
import { PlausibleCounts } from "./plausible-counts.ts";
import { TrafficBounds, type TrafficKind } from "./traffic-bounds.ts";
import { tryWorkerMessage } from "./worker-message.ts";

export type Taken = { readonly message: ToControl } | { readonly objection: string };

/** All that a worker sends comes in here, and goes on only if a sound worker can have sent it. */
export class WorkerIntake {
  readonly #bornMs = performance.now();
  readonly #traffic = new TrafficBounds();
  readonly #counts = new PlausibleCounts();
  readonly #listeners = new Set<ListenerName>();
  /** Those whose connections may be logged. */
  readonly #logged = new Set<ListenerName>();
  /** The most connections that any snapshot let it have open. */
  #maxOpen = 0;

  /** It is about to be told of this snapshot, and may speak of what is in it from now on. */
  expect({ listeners, maxConnections }: Snapshot): void {
    for (const { name, accessLog } of listeners) {
      this.#listeners.add(name);
      if (accessLog !== "off") this.#logged.add(name);
    }
    this.#maxOpen = Math.max(this.#maxOpen, maxConnections);
  }

  passTime(seconds: number): void {
    this.#traffic.leak(seconds);
  }

  take(value: unknown, bytes: number): Taken {
    const flood = this.#floodOf("messages", 1) ?? this.#floodOf("bytes", bytes);
    if (flood !== undefined) return { objection: flood };
    const message = tryWorkerMessage(value, this.#listeners);
    if (message === undefined) return { objection: "It sent a message that no worker sends." };
    const objection = this.#objectionTo(message);
    return objection === undefined ? { message } : { objection };
  }

  /** Why it may not have printed so many bytes more; undefined if it may. */
  objectionToPrinted(bytes: number): string | undefined {
    return this.#floodOf("printed bytes", bytes);
  }

  #floodOf(kind: TrafficKind, amount: number): string | undefined {
    const isWithin = this.#traffic.add(kind, amount);
    return isWithin ? undefined : `It floods the control process: too many ${kind}.`;
  }

  #objectionTo(message: ToControl): string | undefined {
    switch (message.type) {
      case "heartbeat": {
        this.#counts.passTime();
        const { openConnections, residentBytes, loopDelayMs } = message;
        const isPossible =
          openConnections <= this.#maxOpen &&
          residentBytes <= totalmem() &&
          loopDelayMs <= performance.now() - this.#bornMs;
        return isPossible ? undefined : "It sent a heartbeat that cannot be true.";
      }
      case "counted":
        return this.#objectionToCounts(message.listeners);
      case "events": {
        const { handshakes, connections, dropped } = message;
        if (!this.#counts.canHaveDropped(dropped)) return `It cannot have dropped ${dropped}.`;
        if (!connections.every((record) => this.#mayBeLogged(record))) {
          return "It sent an access line for a listener that has none.";
        }
        return this.#floodOf("records", handshakes.length + connections.length);
      }
      case "drained":
        return message.cut <= this.#maxOpen ? undefined : `It cannot have cut ${message.cut}.`;
      // In these is nothing to be measured; whether a reply is due, the worker's owner knows.
      case "ready":
      case "prepared":
      case "refused":
      case "committed":
      case "rolled-back":
      case "notice":
      case "draining":
        return undefined;
      default:
        return message satisfies never;
    }
  }

  #mayBeLogged({ listener, outcome }: ConnectionRecord): boolean {
    return outcome === "endpoint-failed" || this.#logged.has(listener);
  }

  #objectionToCounts(listeners: Readonly<Record<string, readonly number[]>>): string | undefined {
    this.#counts.passTime();
    for (const pairs of Object.values(listeners)) {
      const objection = this.#counts.objectionTo(pairs, this.#maxOpen);
      if (objection !== undefined) return `It cannot have counted ${objection}.`;
    }
    return undefined;
  }
}
