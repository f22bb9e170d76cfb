import { ServersFigures } from "../observe/server-figures.ts";

/** Number of connects, or of answers, that must fail in a row before an endpoint counts as down. */
const FALL = 3;
const FIRST_BACK_OFF_MS = 1_000;
const MAX_BACK_OFF_MS = 30_000;
/** How many connects may be in progress to an endpoint whose last connects timed out. */
const MAX_UNANSWERED = 16;

/** Failures of one kind. Three in a row start a back-off. */
class FailuresInARow {
  #count = 0;
  #untilMs = 0;
  #backOffMs = FIRST_BACK_OFF_MS;

  isBackingOff(nowMs: number): boolean {
    return nowMs < this.#untilMs;
  }

  /** Records a success. */
  end(): void {
    this.#count = 0;
    this.#backOffMs = FIRST_BACK_OFF_MS;
  }

  /** Records a failure. After a back-off, a single failure starts the next back-off, which is twice as long. */
  add(nowMs: number): void {
    this.#count += 1;
    // Those that were in progress at the same time fail together. They count as one back-off.
    if (this.#count < FALL || this.isBackingOff(nowMs)) return;
    this.#untilMs = nowMs + this.#backOffMs;
    this.#backOffMs = Math.min(2 * this.#backOffMs, MAX_BACK_OFF_MS);
  }
}

/** The state of one endpoint as this worker knows it. It is kept when the snapshot changes. */
export class EndpointHealth {
  /** Only leases change this count and the next (endpoint-lease.ts). */
  openConnections = 0;
  /** Connects in progress, including TLS handshakes. */
  connecting = 0;
  readonly #connects = new FailuresInARow();
  /** An endpoint can accept connections and still answer with errors only, so answers are counted apart. */
  readonly #answers = new FailuresInARow();
  #timeoutsInARow = 0;

  /** Whether the connects of this worker succeed, and the answers if they are counted. Active checks are not taken into account. */
  isUp(nowMs: number): boolean {
    return !this.#connects.isBackingOff(nowMs) && !this.#answers.isBackingOff(nowMs);
  }

  /**
   * Whether another connect may start. Each connect occupies a connection of the worker until its deadline, so an
   * endpoint that has stopped answering gets only a few at a time.
   */
  mayConnect(): boolean {
    return this.#timeoutsInARow < FALL || this.connecting < MAX_UNANSWERED;
  }

  /** Records a connect. */
  succeeded(): void {
    this.#connects.end();
    this.#timeoutsInARow = 0;
  }

  /** Records a failed connect. */
  failed(nowMs: number, isTimeout = false): void {
    this.#timeoutsInARow = isTimeout ? this.#timeoutsInARow + 1 : 0;
    this.#connects.add(nowMs);
  }

  /** Records an answer, which can be an error of the server. */
  answered(nowMs: number, isError: boolean): void {
    if (isError) this.#answers.add(nowMs);
    else this.#answers.end();
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
