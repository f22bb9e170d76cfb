const TICKS_UNTIL_HUNG = 10;

/**
 * Notices a worker that has gone silent. It counts ticks of its own timer instead of looking at the clock: after the control
 * process itself was stopped for a while, by a debugger or a suspended machine, no time has passed here.
 */
export class LivenessWatch {
  readonly #onHung: () => void;
  readonly #timer: NodeJS.Timeout;
  #silentTicks = 0;
  #isBeating = false;

  /** `onTick` is told how many seconds a tick stands for. */
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
