import type { LogLevelName } from "#model/log-level.ts";
import type { Logger } from "./log.ts";

/** The level of the log, which an operator can change for a time while the director runs. */
export class LogLevel {
  readonly #log: Logger;
  /** The level of the start. */
  readonly #usual: LogLevelName;
  #untilMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(log: Logger) {
    this.#log = log;
    this.#usual = log.level as LogLevelName;
  }

  get level(): LogLevelName {
    return this.#log.level as LogLevelName;
  }

  get usual(): LogLevelName {
    return this.#usual;
  }

  /** When the level of the start returns, in milliseconds since the epoch. Undefined if that level is in force. */
  get untilMs(): number | undefined {
    return this.#untilMs;
  }

  /** Sets the level for `forMs`. Setting the level of the start ends an earlier change. */
  set(level: LogLevelName, forMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#untilMs = undefined;
    if (level !== this.#usual) {
      this.#untilMs = Date.now() + forMs;
      this.#timer = setTimeout(() => this.set(this.#usual, 0), forMs).unref();
    }
    const before = this.#log.level;
    if (level === before) return;
    const facts = { event: "log-level-changed", from: before, to: level, untilMs: this.#untilMs };
    // Written at whichever of the two levels shows it.
    this.#log.info(facts, `The log level changes from ${before} to ${level}.`);
    const wasShown = this.#log.isLevelEnabled("info");
    this.#log.level = level;
    if (!wasShown) this.#log.info(facts, `The log level has changed from ${before} to ${level}.`);
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
