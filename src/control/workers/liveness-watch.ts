const TICKS_UNTIL_HUNG = 10;

/**
 * Detects a worker that sends no heartbeats. It counts ticks of its own timer instead of reading the clock: while the
 * control process itself is stopped, by a debugger or because the machine is suspended, no time passes here.
 */
export class LivenessWatch {
  readonly #onHung: () => void;
  readonly #timer: NodeJS.Timeout;
  #silentTicks = 0;
  #isBeating = false;

  /** `onTick` gets the number of seconds between two ticks. */
  constructor(
    hungMs: number,
    { onHung, onTick }: { readonly onHung: () => void; readonly onTick: (seconds: number) => void },
  ) {
    this.#onHung = onHung;
    const tickMs = hungMs / TICKS_UNTIL_HUNG;
    this.#timer = setInterval(() => {
      onTick(tickMs / 1_000);
      this.#tick();
    }, tickMs);
  }

  /** From now on heartbeats are due. */
  start(): void {
    this.#isBeating = true;
    this.#silentTicks = 0;
  }

  heartbeat(): void {
    this.#silentTicks = 0;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    this.#silentTicks += 1;
    if (this.#isBeating && this.#silentTicks >= TICKS_UNTIL_HUNG) this.#onHung();
  }
}
