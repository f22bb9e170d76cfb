/** How long the control process waits for a worker; who takes longer is killed. */
export interface WorkerDeadlines {
  /** From its start until it is ready. */
  readonly startMs: number;
  readonly prepareMs: number;
  /** Also for a rollback. */
  readonly commitMs: number;
  /** Without a heartbeat. */
  readonly hungMs: number;
  /** From the end of its drain, or of the drain's deadline, until it has exited. */
  readonly exitMs: number;
}

export const WORKER_DEADLINES: WorkerDeadlines = {
  startMs: 15_000,
  prepareMs: 5_000,
  commitMs: 2_000,
  hungMs: 10_000,
  exitMs: 2_000,
};
