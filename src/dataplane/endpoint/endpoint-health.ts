import { ServersFigures } from "../observe/server-figures.ts";

/** Number of connects that must fail in a row before an endpoint counts as down. */
const FALL = 3;
const FIRST_BACK_OFF_MS = 1_000;
const MAX_BACK_OFF_MS = 30_000;
/** How many connects may be in progress to an endpoint whose last connects timed out. */
const MAX_UNANSWERED = 16;

/** The state of one endpoint as this worker knows it. It is kept when the snapshot changes. */
export class EndpointHealth {
  /** Only leases change this count and the next (endpoint-lease.ts). */
  openConnections = 0;
  /** Connects in progress, including TLS handshakes. */
  connecting = 0;
  #failuresInARow = 0;
  #timeoutsInARow = 0;
  #downUntilMs = 0;
  #backOffMs = FIRST_BACK_OFF_MS;

  /** Whether the connects of this worker succeed. Active checks are not taken into account. */
  isUp(nowMs: number): boolean {
    return nowMs >= this.#downUntilMs;
  }

  /**
   * Whether another connect may start. Each connect occupies a connection of the worker until its deadline, so an
   * endpoint that has stopped answering gets only a few at a time.
   */
  mayConnect(): boolean {
    return this.#timeoutsInARow < FALL || this.connecting < MAX_UNANSWERED;
  }

  succeeded(): void {
    this.#failuresInARow = 0;
    this.#timeoutsInARow = 0;
    this.#backOffMs = FIRST_BACK_OFF_MS;
  }

  /** Records a failed connect. After a back-off, a single failure starts the next back-off, which is twice as long. */
  failed(nowMs: number, isTimeout = false): void {
    this.#failuresInARow += 1;
    this.#timeoutsInARow = isTimeout ? this.#timeoutsInARow + 1 : 0;
    // Connects that were in progress at the same time fail together. They count as one back-off.
    if (this.#failuresInARow < FALL || nowMs < this.#downUntilMs) return;
    this.#downUntilMs = nowMs + this.#backOffMs;
    this.#backOffMs = Math.min(2 * this.#backOffMs, MAX_BACK_OFF_MS);
  }
}

/** The health of each endpoint, by endpoint key. */
export class EndpointHealths {
  /** What is counted for each vNIC and server. */
  readonly servers = new ServersFigures();
  readonly #byKey = new Map<string, EndpointHealth>();
  #checkedDown: ReadonlySet<string> = new Set();
  #onStandby: ReadonlySet<string> = new Set();

  /** Whether the control process has decided that the standby servers of the profile serve. */
  isOnStandby(profile: string): boolean {
    return this.#onStandby.has(profile);
  }

  setOnStandby(profiles: readonly string[]): void {
    this.#onStandby = new Set(profiles);
  }

  of(key: string): EndpointHealth {
    let health = this.#byKey.get(key);
    if (health === undefined) {
      health = new EndpointHealth();
      this.#byKey.set(key, health);
    }
    return health;
  }

  /** Takes the keys of `checkedKeyOf` of all endpoints that the active checks of the control process find down. */
  setCheckedDown(keys: readonly string[]): void {
    this.#checkedDown = new Set(keys);
  }

  isCheckedDown(checkedKey: string): boolean {
    return this.#checkedDown.has(checkedKey);
  }

  keepOnly(keys: ReadonlySet<string>): void {
    for (const [key, health] of this.#byKey) {
      if (!keys.has(key) && health.openConnections + health.connecting === 0)
        this.#byKey.delete(key);
    }
  }
}
