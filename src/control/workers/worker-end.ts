import type { RestartCause } from "#control/telemetry/director-metrics.ts";

/** How a worker ended. */
export interface WorkerEnd {
  readonly cause: RestartCause;
  /** What the system says: `exit code 1`, `signal SIGKILL`. */
  readonly exit: string;
  readonly livedMs: number;
  /** Connections that were open to the last. */
  readonly cut: number;
  /** What it told or printed last: the best hint at why it failed. */
  readonly lastLine: string | undefined;
}
