/** Connects in a row that fail before an endpoint counts as down. */
const FALL = 3;
const FIRST_BACK_OFF_MS = 1_000;
const MAX_BACK_OFF_MS = 30_000;
/** Connects that may be under way to an endpoint that has not answered the last ones. */
const MOST_UNANSWERED = 16;

/** What this worker knows of one endpoint. Outlives snapshots. */
export class EndpointHealth {
  /** This count and the next are changed by leases alone (endpoint-lease.ts). */
  openConnections = 0;
  /** Connects under way, TLS included. */
  connecting = 0;
  /** From the control process's active checks. */
  isCheckedDown = false;
  #failuresInARow = 0;
  #timeoutsInARow = 0;
  #downUntilMs = 0;
  #backOffMs = FIRST_BACK_OFF_MS;

  isUp(nowMs: number): boolean {
    return !this.isCheckedDown && nowMs >= this.#downUntilMs;
  }

  /**
   * Whether one more connect may be under way. Each holds a place of the worker until its deadline: an endpoint that has
   * stopped answering is tried by a few at a time.
   */
  mayConnect(): boolean {
    return this.#timeoutsInARow < FALL || this.connecting < MOST_UNANSWERED;
  }

  succeeded(): void {
    this.#failuresInARow = 0;
    this.#timeoutsInARow = 0;
    this.#backOffMs = FIRST_BACK_OFF_MS;
  }

  /** After a back-off one failure is enough for the next, longer one: the endpoint is tried, not trusted. */
  failed(nowMs: number, isTimeout = false): void {
    this.#failuresInARow += 1;
    this.#timeoutsInARow = isTimeout ? this.#timeoutsInARow + 1 : 0;
    // Connects that were under way together fail together, and say it once.
    if (this.#failuresInARow < FALL || nowMs < this.#downUntilMs) return;
    this.#downUntilMs = nowMs + this.#backOffMs;
    this.#backOffMs = Math.min(2 * this.#backOffMs, MAX_BACK_OFF_MS);
  }
}

/** Health by endpoint key. */
export class EndpointHealths {
  readonly #byKey = new Map<string, EndpointHealth>();
  #checkedDown: ReadonlySet<string> = new Set();

  of(key: string): EndpointHealth {
    let health = this.#byKey.get(key);
    if (health === undefined) {
      health = new EndpointHealth();
      health.isCheckedDown = this.#checkedDown.has(key);
      this.#byKey.set(key, health);
    }
    return health;
  }

  setCheckedDown(keys: readonly string[]): void {
    this.#checkedDown = new Set(keys);
    for (const [key, health] of this.#byKey) health.isCheckedDown = this.#checkedDown.has(key);
  }

  keepOnly(keys: ReadonlySet<string>): void {
    for (const [key, health] of this.#byKey) {
      if (!keys.has(key) && health.openConnections + health.connecting === 0)
        this.#byKey.delete(key);
    }
  }
}
