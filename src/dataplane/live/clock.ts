/** The clock of a worker. Tests have one whose time passes only when they say so. */
export interface Clock {
  /** Monotonic milliseconds. */
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
