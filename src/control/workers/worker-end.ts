import type { RestartCause } from "#control/telemetry/director-metrics.ts";

/** How a worker ended. */
export interface WorkerEnd {
  readonly cause: RestartCause;
  /** What the system says: `exit code 1`, `signal SIGKILL`. */
  readonly exit: string;
  readonly livedMs: number;
  /** How many connections were open when it ended. */
  readonly cut: number;
  /** The last line that it sent or printed, which is the best hint at why it failed. */
  readonly lastLine: string | undefined;
}
