import { randomBytes } from "node:crypto";
import type { ListenerName } from "#model/names.ts";
import type { ConnectionFilter } from "#model/records/open-connection.ts";
import type { OtherToWorker, ToControl } from "#protocol/messages.ts";
import { PROOF_TOKEN_BYTES } from "#protocol/proof-socket.ts";
import { ReplySlot } from "./reply-slot.ts";

type Reply<Name extends ToControl["type"]> = Extract<ToControl, { readonly type: Name }>;

/** A worker measures rates for half a second before it answers. */
const LIST_DEADLINE_MS = 3_000;
/** Thousands of connections are cut in small steps. */
const CUT_DEADLINE_MS = 8_000;
/** How many late answers are tolerated at a time. */
const MAX_LATE = 16;

export interface WorkerQueriesParts {
  readonly send: (message: OtherToWorker) => void;
  /** Called with an answer that was not asked for. */
  readonly onUnexpected: (type: ToControl["type"]) => void;
}

type QueryReply = "connections" | "cut" | "proving";

/**
 * The requests that a worker answers while it serves: about its open connections, one at a time, and for proofs, also one at a
 * time. Each has a deadline. A worker that misses it is busy, and its answer is ignored when it comes.
 */
export class WorkerQueries {
  readonly #parts: WorkerQueriesParts;
  readonly #reply = new ReplySlot();
  readonly #proving = new ReplySlot();
  readonly #late = new Set<number>();
  #number = 0;

  constructor(parts: WorkerQueriesParts) {
    this.#parts = parts;
  }

  /** Resolves to undefined if the worker does not answer in time. */
  list(filter: ConnectionFilter, limit: number): Promise<Reply<"connections"> | undefined> {
    const number = this.#next();
    this.#parts.send({ type: "list-connections", number, filter, limit });
    return this.#expect(this.#reply, "connections", number, LIST_DEADLINE_MS);
  }

  /** Resolves to undefined if the worker does not answer in time. */
  cut(filter: ConnectionFilter): Promise<Reply<"cut"> | undefined> {
    const number = this.#next();
    this.#parts.send({ type: "cut-connections", number, filter });
    return this.#expect(this.#reply, "cut", number, CUT_DEADLINE_MS);
  }

  /**
   * Lets the worker open a socket on which it shows what it presents to clients of the listener. Resolves to the token of the
   * socket, or to the reason, in a sentence, for which there is none.
   */
  async prove(listener: ListenerName, deadlineMs: number): Promise<Buffer | string> {
    const number = this.#next();
    const token = randomBytes(PROOF_TOKEN_BYTES);
    this.#parts.send({ type: "prove", number, listener, token: token.toString("base64") });
    const reply = await this.#expect(this.#proving, "proving", number, deadlineMs);
    if (reply === undefined) return "The worker opened no socket for the proof in time.";
    return reply.failure ?? token;
  }

  take(message: Reply<QueryReply>): void {
    const isDue = this.#reply.offer(message) || this.#proving.offer(message);
    if (isDue || this.#late.delete(message.number)) return;
    this.#parts.onUnexpected(message.type);
  }

  close(): void {
    this.#reply.close();
    this.#proving.close();
  }

  #next(): number {
    this.#number += 1;
    return this.#number;
  }

  #expect<Name extends QueryReply>(
    slot: ReplySlot,
    type: Name,
    number: number,
    deadlineMs: number,
  ): Promise<Reply<Name> | undefined> {
    return slot.expect([type], { number, deadlineMs }, () => {
      this.#late.add(number);
      const [oldest] = this.#late;
      if (this.#late.size > MAX_LATE && oldest !== undefined) this.#late.delete(oldest);
      slot.abandon();
    });
  }
}
