/** The clock of a worker. Tests use a clock that they advance themselves. */
export interface Clock {
  /** Returns monotonic milliseconds. */
  nowMs(): number;
  /** Calls `tick` every `ms` milliseconds. Returns a function that stops it. */
  every(ms: number, tick: () => void): () => void;
}

export const SYSTEM_CLOCK: Clock = {
  nowMs: () => performance.now(),
  every(ms, tick) {
    const timer = setInterval(tick, ms);
    return () => clearInterval(timer);
  },
};
