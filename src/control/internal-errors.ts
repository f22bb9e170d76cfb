import { DirectorError } from "#model/failure.ts";
import type { Notices } from "./notice.ts";
import type { Logger } from "./telemetry/log.ts";

/** The part of `process` that reports uncaught errors. */
export interface ErrorSource {
  on(event: "uncaughtException", listener: (error: unknown) => void): unknown;
  off(event: "uncaughtException", listener: (error: unknown) => void): unknown;
}

const PERIOD_MS = 60_000;
const MAX_LINES_PER_PERIOD = 20;

/**
 * Handles errors that no other part of the control process handles. Each error is logged with its stack and counted. The process
 * continues to run, because without it the workers are not supervised and exit after `director.orphanGrace`. See
 * docs/decisions/0017-the-control-process-goes-on.md.
 */
export class InternalErrors {
  readonly #log: Logger;
  readonly #notices: Notices;
  readonly #onCounted: () => void;
  #periodStartedMs = -Infinity;
  #lines = 0;
  #count = 0;

  constructor(log: Logger, notices: Notices, onCounted: () => void) {
    this.#log = log;
    this.#notices = notices;
    this.#onCounted = onCounted;
  }

  /** Also catches unhandled rejections, because the runtime raises them as uncaught exceptions. */
  catchFrom(source: ErrorSource, cleanup: AsyncDisposableStack): void {
    const report = (error: unknown): void => this.report(error);
    source.on("uncaughtException", report);
    cleanup.defer(() => void source.off("uncaughtException", report));
  }

  report(error: unknown): void {
    this.#count += 1;
    this.#onCounted();
    const { message, hint } = new DirectorError("internal", String(error)).toShape();
    this.#notices.raise({
      event: "went-on-after-errors",
      text: `${message} Internal errors since the start: ${this.#count}. The director continues to run. ${hint}`,
    });
    if (!this.#mayWrite()) return;
    const facts = { event: "internal-error", code: "internal", count: this.#count, err: error };
    this.#log.error(facts, message);
  }

  /** Limits the log, because a repeated error must not fill the disk. */
  #mayWrite(): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#periodStartedMs >= PERIOD_MS) {
      this.#periodStartedMs = nowMs;
      this.#lines = 0;
    }
    this.#lines += 1;
    return this.#lines <= MAX_LINES_PER_PERIOD;
  }
}
