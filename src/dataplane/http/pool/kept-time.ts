/** As many idle connections must have been closed at about the same age before that counts as the time of the endpoint. */
const MIN_SAMPLES = 3;
/** The part of the time for which an endpoint keeps idle connections in which they are used again. */
const SAFE_SHARE = 0.5;
/** After this time without a further close, the endpoint is assumed to keep idle connections twice as long. */
const RECOVERY_MS = 60_000;
/** A shorter time is doubted after a second: an endpoint that restarts closes connections of any age at once. */
const SHORT_MS = 40;
const SHORT_RECOVERY_MS = 1_000;
/** How long a single close counts for requests that cannot be sent again. */
const CAUTION_MS = 10_000;

/**
 * How long an endpoint keeps idle connections, as far as those that it has closed show. A single close says little: the endpoint may
 * have restarted, or a program behind it has crashed.
 */
export class KeptTime {
  #keptMs = Number.POSITIVE_INFINITY;
  #sampleMs = 0;
  #samples = 0;
  #recoversAtMs = Number.POSITIVE_INFINITY;
  #cautiousUntilMs = Number.NEGATIVE_INFINITY;

  /** Returns how old an idle connection may become before it should not be used any more. */
  safeMs(nowMs: number): number {
    if (nowMs >= this.#recoversAtMs) this.#recover(nowMs);
    return SAFE_SHARE * this.#keptMs;
  }

  /** Returns the same for a request that cannot be sent again. It takes single closes into account. */
  cautiousMs(nowMs: number): number {
    const safeMs = this.safeMs(nowMs);
    return nowMs < this.#cautiousUntilMs ? Math.min(safeMs, SAFE_SHARE * this.#sampleMs) : safeMs;
  }

  #recover(nowMs: number): void {
    this.#samples = 0;
    this.#keptMs = this.#keptMs < SHORT_MS ? Number.POSITIVE_INFINITY : 2 * this.#keptMs;
    this.#recoversAtMs = nowMs + RECOVERY_MS;
  }

  /** To be called when the endpoint has closed a connection that was idle for this time. */
  closedAfter(idleMs: number, nowMs: number): void {
    this.#cautiousUntilMs = nowMs + CAUTION_MS;
    const isSimilar = idleMs <= 2 * this.#sampleMs && 2 * idleMs >= this.#sampleMs;
    if (this.#samples > 0 && isSimilar) {
      this.#samples += 1;
      this.#sampleMs = Math.min(this.#sampleMs, idleMs);
    } else {
      this.#samples = 1;
      this.#sampleMs = idleMs;
    }
    if (this.#samples < MIN_SAMPLES) return;
    this.#keptMs = this.#sampleMs;
    this.#recoversAtMs = nowMs + (this.#keptMs < SHORT_MS ? SHORT_RECOVERY_MS : RECOVERY_MS);
  }

  /** To be called when a connection that was idle for this time has served an exchange. */
  servedAfter(idleMs: number): void {
    if (idleMs > this.#sampleMs) this.#samples = 0;
    if (idleMs >= this.#keptMs) this.#keptMs = Number.POSITIVE_INFINITY;
  }
}
