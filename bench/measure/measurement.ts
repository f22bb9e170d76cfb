/** One run's figure, in the case's unit. */
export interface Measurement {
  readonly value: number;
  /** Of it, what the processes below the root used; only where that is a figure of its own. */
  readonly workers?: number;
  /** Share of the run that the subject was on its core; far below 1, the load was the limit. */
  readonly busy?: number;
  /** Share of the handshakes that resumed a session, where both kinds are allowed. */
  readonly resumed?: number;
  /** latency: how late the load itself was to send, 99th percentile. */
  readonly lateP99Us?: number;
}
