import { untried, type CheckResult, type Untried } from "./check-result.ts";
import type { CheckSettings } from "./check-settings.ts";

export interface EndpointCheckOptions {
  readonly settings: CheckSettings;
  /** Whether the endpoint counts as up at first. The default is true. */
  readonly startsUp?: boolean;
  readonly run: () => Promise<CheckResult | Untried>;
  /** Called after each run, before the endpoint may turn up or down. */
  readonly onRun: (check: EndpointCheck, result: CheckResult | Untried) => void;
  /** Called when enough runs have failed. If it returns false, the endpoint stays up, and is asked for again when the next run fails. */
  readonly mayTurnDown: (check: EndpointCheck) => boolean;
  readonly onTurn: (check: EndpointCheck) => void;
  /** Called with an unexpected exception. The checks continue. */
  readonly onFault: (error: unknown) => void;
}

export type CheckFault = Extract<CheckResult, { readonly isUp: false }>;

/** First runs are spread over this time at most. */
const MAX_FIRST_DELAY_MS = 2_000;
/** The share of the interval by which a run may be early, so that runs do not stay together. */
const JITTER = 0.1;

/**
 * Runs one check at regular intervals. The endpoint counts as up until enough runs have failed. The interval is from the start of a
 * run to the start of the next, and is only ever made shorter, so that it is known how long a failure can stay unnoticed.
 */
export class EndpointCheck {
  readonly settings: CheckSettings;
  readonly #options: EndpointCheckOptions;
  #isUp: boolean;
  #isFailing = false;
  #hasResult = false;
  #hasSucceeded = false;
  #untried: string | undefined;
  /** How many runs in a row could not be tried. */
  #untriedRuns = 0;
  #fault: CheckFault | undefined;
  /** How many results in a row contradict `isUp`. */
  #contrary = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: EndpointCheckOptions) {
    this.settings = options.settings;
    this.#options = options;
    this.#isUp = options.startsUp ?? true;
    this.#schedule(Math.random() * Math.min(this.settings.intervalMs, MAX_FIRST_DELAY_MS));
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Whether the last run has failed. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** Whether a run has succeeded since the check began. */
  get hasSucceeded(): boolean {
    return this.#hasSucceeded;
  }

  /** Why it is not known whether the endpoint is up: no run has had a result, or none of the last `fall` runs. */
  get untried(): string | undefined {
    return this.#untried;
  }

  /** Why the last run failed that did. */
  get fault(): CheckFault | undefined {
    return this.#fault;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** Takes back that the endpoint has turned down. It turns down again when a run fails and it may. */
  restore(): void {
    if (this.#isUp) return;
    this.#contrary = this.settings.fall;
    this.#turn(true);
  }

  #schedule(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#run().catch(this.#options.onFault);
    }, delayMs);
  }

  async #run(): Promise<void> {
    const startedMs = performance.now();
    try {
      const result = await this.#result();
      if (this.#isClosed) return;
      if (result.isUp === undefined) this.#noteUntried(result);
      else this.#weigh(result);
    } finally {
      const intervalMs = this.settings.intervalMs * (1 - JITTER * Math.random());
      const restMs = startedMs + intervalMs - performance.now();
      if (!this.#isClosed) this.#schedule(Math.max(restMs, 0));
    }
  }

  async #result(): Promise<CheckResult | Untried> {
    try {
      return await this.#options.run();
    } catch (error) {
      this.#options.onFault(error);
      return untried("it has an internal fault, which is logged");
    }
  }

  /** Keeps what is known from earlier runs for as many runs as it takes to find an endpoint down. */
  #noteUntried(result: Untried): void {
    this.#untriedRuns += 1;
    if (!this.#hasResult || this.#untriedRuns >= this.settings.fall) this.#untried = result.text;
    this.#options.onRun(this, result);
  }

  #weigh(result: CheckResult): void {
    const { rise, fall } = this.settings;
    this.#hasResult = true;
    this.#untried = undefined;
    this.#untriedRuns = 0;
    this.#isFailing = !result.isUp;
    if (result.isUp) this.#hasSucceeded = true;
    else this.#fault = result;
    this.#contrary = result.isUp === this.#isUp ? 0 : this.#contrary + 1;
    this.#options.onRun(this, result);
    if (result.isUp === this.#isUp || this.#contrary < (result.isUp ? rise : fall)) return;
    if (!result.isUp && !this.#options.mayTurnDown(this)) return;
    this.#contrary = 0;
    this.#turn(result.isUp);
  }

  #turn(isUp: boolean): void {
    this.#isUp = isUp;
    this.#options.onTurn(this);
  }
}
