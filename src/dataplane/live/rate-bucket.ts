/** A token bucket that holds one second's worth: a burst of that size passes, then the rate. */
export class RateBucket {
  #perSecond: number;
  #tokens: number;
  #filledAtMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
    this.#filledAtMs = nowMs;
  }

  /** A change of the limit keeps what was used up. */
  setRate(perSecond: number): void {
    this.#perSecond = perSecond;
    this.#tokens = Math.min(this.#tokens, perSecond);
  }

  tryTake(nowMs: number): boolean {
    const gained = ((nowMs - this.#filledAtMs) * this.#perSecond) / 1000;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + gained);
    this.#filledAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Undoes a `tryTake` whose taker was turned away for something else. */
  giveBack(): void {
    this.#tokens = Math.min(this.#perSecond, this.#tokens + 1);
  }
}
