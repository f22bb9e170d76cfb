const TICKS_UNTIL_HUNG = 10;
/** Messages in one tick: many times what a worker under a flood of clients sends. */
const MAX_MESSAGES_PER_TICK = 5_000;

/**
 * Notices a worker that has gone silent, or that floods the control process with messages. It counts ticks of its own
 * timer instead of looking at the clock: after the control process itself was stopped for a while, by a debugger or a
 * suspended machine, no time has passed here.
 */
export class LivenessWatch {
  readonly #onHung: () => void;
  readonly #onFlood: () => void;
  readonly #timer: NodeJS.Timeout;
  #silentTicks = 0;
  #messages = 0;

  constructor(
    hungMs: number,
    { onHung, onFlood }: { readonly onHung: () => void; readonly onFlood: () => void },
  ) {
    this.#onHung = onHung;
    this.#onFlood = onFlood;
    this.#timer = setInterval(() => this.#tick(), hungMs / TICKS_UNTIL_HUNG);
  }

  heartbeat(): void {
    this.#silentTicks = 0;
  }

  message(): void {
    this.#messages += 1;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    this.#silentTicks += 1;
    if (this.#silentTicks >= TICKS_UNTIL_HUNG) this.#onHung();
    if (this.#messages > MAX_MESSAGES_PER_TICK) this.#onFlood();
    this.#messages = 0;
  }
}
