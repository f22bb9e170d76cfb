import { totalmem } from "node:os";
import type { ConnectionRecord } from "#model/records/connection-record.ts";
import type { ListenerName } from "#model/names.ts";
import type { Snapshot } from "#model/records/snapshot.ts";
import type { ToControl } from "#protocol/messages.ts";
import { PlausibleCounts } from "./plausible-counts.ts";
import { TrafficBounds, type TrafficKind } from "./traffic-bounds.ts";
import { tryWorkerMessage } from "./worker-message.ts";

export type Taken = { readonly message: ToControl } | { readonly objection: string };

/** Checks everything that a worker sends. Only what a healthy worker can have sent is passed on. */
export class WorkerIntake {
  readonly #bornMs = performance.now();
  readonly #traffic = new TrafficBounds();
  readonly #counts = new PlausibleCounts();
  readonly #listeners = new Set<ListenerName>();
  /** Those whose connections may be logged. */
  readonly #logged = new Set<ListenerName>();
  /** The highest connection limit of all snapshots that the worker has received. */
  #maxOpen = 0;

  /** Allows messages about this snapshot, which the worker is about to receive. */
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

  /** Returns an objection if the worker has printed more than it may, otherwise undefined. */
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
      // These have no amounts to check. WorkerHandle checks whether a reply is due.
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
