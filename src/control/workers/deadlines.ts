import type { Prepare } from "#protocol/messages.ts";

/** How long the control process waits for a worker. A worker that takes longer is killed. */
export interface WorkerDeadlines {
  /** From the start of the process until it is ready. */
  readonly startMs: number;
  readonly prepareMs: number;
  /** Is added to `prepareMs` for each listener that the worker has to build and open. */
  readonly prepareMsPerListener: number;
  /** Is added to `prepareMs` for each certificate that the worker gets. */
  readonly prepareMsPerCertificate: number;
  /** Also the deadline of a rollback. */
  readonly commitMs: number;
  /** How long a worker may send no heartbeat. */
  readonly hungMs: number;
  /** From the end of the drain, or from its deadline, until the process has exited. */
  readonly exitMs: number;
}

export const WORKER_DEADLINES: WorkerDeadlines = {
  startMs: 15_000,
  prepareMs: 5_000,
  // A listener takes about 1 ms on an idle machine.
  prepareMsPerListener: 10,
  // A certificate takes less than 0.1 ms on an idle machine.
  prepareMsPerCertificate: 1,
  commitMs: 2_000,
  hungMs: 10_000,
  exitMs: 2_000,
};

/** The first prepare of a worker has all listeners and certificates. That of a change has those that the change touches. */
export const prepareDeadlineOf = (
  { listeners, certificates }: Pick<Prepare, "listeners" | "certificates">,
  { prepareMs, prepareMsPerListener, prepareMsPerCertificate }: WorkerDeadlines,
): number =>
  prepareMs +
  listeners.length * prepareMsPerListener +
  certificates.length * prepareMsPerCertificate;

const FIRST_BACK_OFF_MS = 200;
const MAX_BACK_OFF_MS = 10_000;
/** A worker that has lived for so long does not count as one of a series. */
const MATURE_MS = 30_000;

/** Returns how long to wait before a worker is replaced: twice the last wait, up to 10 s, and 0.2 s after a long life. */
export function backOffMsOf(previousMs: number, livedMs: number): number {
  if (previousMs === 0 || livedMs >= MATURE_MS) return FIRST_BACK_OFF_MS;
  return Math.min(2 * previousMs, MAX_BACK_OFF_MS);
}
