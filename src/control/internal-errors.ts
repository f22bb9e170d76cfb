import { DirectorError } from "#model/failure.ts";
import type { Notices } from "./notice.ts";
import type { Logger } from "./telemetry/log.ts";

/** The part of `process` that hears of errors which nothing has caught. */
export interface ErrorSource {
  on(event: "uncaughtException", listener: (error: unknown) => void): unknown;
  off(event: "uncaughtException", listener: (error: unknown) => void): unknown;
}

const PERIOD_MS = 60_000;
const MAX_LINES_PER_PERIOD = 20;

/**
 * The last line of defence: errors that no part of the control process has dealt with. Each is logged with its stack and
 * counted; the process goes on, as its end would take the supervision of the workers with it, and with them, a minute
 * later, the service. See docs/decisions/0017-the-control-process-goes-on.md.
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

  /** Also what a promise rejects with that has no handler: the runtime raises it as an uncaught exception. */
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

  /** An error that comes again and again must not fill the disk. */
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
