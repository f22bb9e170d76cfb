import type { Health } from "#model/listener.ts";
import type { SnapshotEndpoint } from "#model/snapshot.ts";
import { durationMsOf } from "#model/units.ts";
import { checkTcp } from "./tcp-check.ts";

/** Checks one endpoint again and again, from a first guess that it is up. */
export class EndpointCheck {
  readonly #endpoint: SnapshotEndpoint;
  readonly #health: Health;
  readonly #onTurn: (isUp: boolean) => void;
  #isUp = true;
  /** Results in a row that speak against `isUp`. */
  #contrary = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(endpoint: SnapshotEndpoint, health: Health, onTurn: (isUp: boolean) => void) {
    this.#endpoint = endpoint;
    this.#health = health;
    this.#onTurn = onTurn;
    void this.#check();
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #check(): Promise<void> {
    const isAnswering = await checkTcp(this.#endpoint, durationMsOf(this.#health.timeout));
    if (this.#isClosed) return;
    this.#weigh(isAnswering);
    this.#timer = setTimeout(() => void this.#check(), durationMsOf(this.#health.interval));
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
