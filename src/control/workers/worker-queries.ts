import type { ConnectionFilter } from "#model/records/open-connection.ts";
import type { ToControl, ToWorker } from "#protocol/messages.ts";
import { ReplySlot } from "./reply-slot.ts";

type Reply<Name extends ToControl["type"]> = Extract<ToControl, { readonly type: Name }>;

/** A worker measures rates for half a second before it answers. */
const LIST_DEADLINE_MS = 3_000;
/** Thousands of connections are cut in small steps. */
const CUT_DEADLINE_MS = 8_000;
/** How many late answers are tolerated at a time. */
const MAX_LATE = 16;

export interface WorkerQueriesParts {
  readonly send: (message: ToWorker) => void;
  /** Called with an answer that was not asked for. */
  readonly onUnexpected: (type: ToControl["type"]) => void;
}

/**
 * The requests about the open connections of one worker, one at a time. Each has a deadline. A worker that misses it is busy,
 * and its answer is ignored when it comes.
 */
export class WorkerQueries {
  readonly #parts: WorkerQueriesParts;
  readonly #reply = new ReplySlot();
  readonly #late = new Set<number>();
  #number = 0;

  constructor(parts: WorkerQueriesParts) {
    this.#parts = parts;
  }

  /** Resolves to undefined if the worker does not answer in time. */
  list(filter: ConnectionFilter, limit: number): Promise<Reply<"connections"> | undefined> {
    const number = this.#next();
    this.#parts.send({ type: "list-connections", number, filter, limit });
    return this.#expect("connections", number, LIST_DEADLINE_MS);
  }

  /** Resolves to undefined if the worker does not answer in time. */
  cut(filter: ConnectionFilter): Promise<Reply<"cut"> | undefined> {
    const number = this.#next();
    this.#parts.send({ type: "cut-connections", number, filter });
    return this.#expect("cut", number, CUT_DEADLINE_MS);
  }

  take(message: Reply<"connections" | "cut">): void {
    if (this.#reply.offer(message) || this.#late.delete(message.number)) return;
    this.#parts.onUnexpected(message.type);
  }

  close(): void {
    this.#reply.close();
  }

  #next(): number {
    this.#number += 1;
    return this.#number;
  }

  #expect<Name extends "connections" | "cut">(
    type: Name,
    number: number,
    deadlineMs: number,
  ): Promise<Reply<Name> | undefined> {
    return this.#reply.expect([type], { number, deadlineMs }, () => {
      this.#late.add(number);
      const [oldest] = this.#late;
      if (this.#late.size > MAX_LATE && oldest !== undefined) this.#late.delete(oldest);
      this.#reply.abandon();
    });
  }
}
