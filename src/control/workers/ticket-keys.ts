import { randomBytes } from "node:crypto";

const KEY_BYTES = 32;
const LIFETIME_MS = 12 * 3_600_000;

/** The base key of session tickets, which all workers share. It changes every 12 hours. */
export class TicketKeys {
  readonly #onRenewed: (key: string) => void;
  #key: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(onRenewed: (key: string) => void) {
    this.#onRenewed = onRenewed;
  }

  /** The key in base64, or undefined before the start. */
  get current(): string | undefined {
    return this.#key;
  }

  start(): void {
    this.#renew();
    this.#timer = setInterval(() => this.#renew(), LIFETIME_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #renew(): void {
    this.#key = randomBytes(KEY_BYTES).toString("base64");
    this.#onRenewed(this.#key);
  }
}
