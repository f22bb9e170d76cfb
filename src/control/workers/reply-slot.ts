import type { ToControl } from "#protocol/messages.ts";

type Type = ToControl["type"];
type Message<Name extends Type> = Extract<ToControl, { readonly type: Name }>;

interface Expectation {
  readonly types: readonly Type[];
  readonly number: number | undefined;
  readonly resolve: (reply: ToControl | undefined) => void;
}

/** The reply that the control process waits for. A worker owes at most one at a time. */
export class ReplySlot {
  #expectation: Expectation | undefined;
  #isClosed = false;

  /**
   * Waits for a message of one of `types`, and about snapshot `number` if that is given. Resolves to undefined if no reply
   * will come. `onLate` is called at the deadline and must cause the slot to be closed.
   */
  async expect<Name extends Type>(
    types: readonly Name[],
    { number, deadlineMs }: { readonly number?: number; readonly deadlineMs: number },
    onLate: () => void,
  ): Promise<Message<Name> | undefined> {
    if (this.#isClosed) return undefined;
    const { promise, resolve } = Promise.withResolvers<ToControl | undefined>();
    this.#expectation = { types, number, resolve };
    const timer = setTimeout(onLate, deadlineMs);
    const reply = await promise;
    clearTimeout(timer);
    return reply as Message<Name> | undefined;
  }

  /** Returns false if the message is not the reply that is due. */
  offer(message: ToControl): boolean {
    const due = this.#expectation;
    if (due?.types.includes(message.type) !== true) return false;
    if (due.number !== undefined && !("number" in message && message.number === due.number)) {
      return false;
    }
    this.#expectation = undefined;
    due.resolve(message);
    return true;
  }

  /** Stops waiting: `expect` resolves to undefined. */
  abandon(): void {
    this.#expectation?.resolve(undefined);
    this.#expectation = undefined;
  }

  close(): void {
    this.#isClosed = true;
    this.abandon();
  }
}
