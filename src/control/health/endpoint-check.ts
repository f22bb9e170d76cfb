import type { Health } from "#model/document/endpoint-options.ts";
import type { EndpointFailure } from "#model/records/outcome.ts";
import type { SnapshotEndpoint } from "#model/records/snapshot.ts";
import { durationMsOf } from "#model/units.ts";
import { checkTcp } from "./tcp-check.ts";

export interface EndpointCheckEvents {
  readonly onTurn: (isUp: boolean) => void;
  /** Called with an unexpected exception. The checks continue. */
  readonly onFault: (error: unknown) => void;
}

/** Checks one endpoint at regular intervals. The endpoint counts as up until enough checks have failed. */
export class EndpointCheck {
  readonly #endpoint: SnapshotEndpoint;
  readonly #health: Health;
  readonly #onTurn: (isUp: boolean) => void;
  readonly #onFault: (error: unknown) => void;
  #isUp = true;
  #failure: EndpointFailure | undefined;
  /** How many results in a row contradict `isUp`. */
  #contrary = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(
    endpoint: SnapshotEndpoint,
    health: Health,
    { onTurn, onFault }: EndpointCheckEvents,
  ) {
    this.#endpoint = endpoint;
    this.#health = health;
    this.#onTurn = onTurn;
    this.#onFault = onFault;
    this.#start();
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Why the last check failed that did. */
  get failure(): EndpointFailure | undefined {
    return this.#failure;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #start(): void {
    this.#check().catch(this.#onFault);
  }

  async #check(): Promise<void> {
    try {
      const outcome = await checkTcp(this.#endpoint, durationMsOf(this.#health.timeout));
      if (outcome === undefined || this.#isClosed) return;
      if (outcome !== "connected") this.#failure = outcome;
      this.#weigh(outcome === "connected");
    } finally {
      if (!this.#isClosed) {
        this.#timer = setTimeout(() => this.#start(), durationMsOf(this.#health.interval));
      }
    }
  }

  #weigh(isAnswering: boolean): void {
    this.#contrary = isAnswering === this.#isUp ? 0 : this.#contrary + 1;
    if (this.#contrary < (isAnswering ? this.#health.rise : this.#health.fall)) return;
    if (isAnswering === this.#isUp) return;
    this.#isUp = isAnswering;
    this.#contrary = 0;
    this.#onTurn(isAnswering);
  }
}
