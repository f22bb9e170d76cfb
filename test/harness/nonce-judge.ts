import type { Arrivals } from "./nonce-endpoint.ts";
import type { TlsConnectOptions } from "./tls-client.ts";

/** What came of the requests of all clients. */
export interface Tally {
  answered: number;
  /** Requests that were cut at an endpoint, or for which no endpoint was up, by what the client got. */
  readonly failed: Map<string, number>;
  /** What must not happen, in words. */
  readonly wrong: string[];
}

export interface NonceClientOptions {
  readonly target: TlsConnectOptions & { readonly host: string; readonly port: number };
  readonly arrivals: Arrivals;
  readonly tally: Tally;
  /** Whether an endpoint was down, or being killed or reset, at some time since then. */
  readonly wasDisturbedSince: (ms: number) => boolean;
  readonly signal: AbortSignal;
}

/** Names the requests of a client by nonces, and judges what came of each. */
export class NonceJudge {
  readonly #options: NonceClientOptions;
  readonly #name: string;
  #count = 0;

  constructor(name: string, options: NonceClientOptions) {
    this.#name = name;
    this.#options = options;
  }

  /** The number of nonces so far. */
  get count(): number {
    return this.#count;
  }

  nonce(): string {
    this.#count += 1;
    return `${this.#name}-${this.#count}`;
  }

  /** Judges an answer with status 200, by the nonce in its field, and whether its body is the one of the request. */
  answered(nonce: string, method: string, field: string, isOwnBody: boolean): void {
    const { arrivals, tally } = this.#options;
    const { times } = arrivals.take(nonce);
    if (field !== nonce || !isOwnBody) this.wrong(`${nonce}: got the answer to ${field}`);
    if (method === "POST" && times !== 1) this.wrong(`${nonce}: a POST has arrived ${times} times`);
    if (times < 1 || times > 2) this.wrong(`${nonce}: has arrived ${times} times`);
    tally.answered += 1;
  }

  failed(nonce: string, beganMs: number, method: string, what: string): void {
    const { arrivals, tally, wasDisturbedSince } = this.#options;
    const { times, wasCut } = arrivals.take(nonce);
    tally.failed.set(what, (tally.failed.get(what) ?? 0) + 1);
    if (method === "POST" && times > 1) this.wrong(`${nonce}: a POST has arrived ${times} times`);
    if (wasCut || wasDisturbedSince(beganMs)) return;
    // A request that may not be repeated can meet an endpoint that closes its idle connection.
    if (method === "POST" && times === 0 && what === "502") return;
    this.wrong(`${nonce}: ${method} failed with ${what} and could be answered (${times} times)`);
  }

  /** Judges a request that the director has not processed, which it must not have sent to an endpoint. */
  unsent(nonce: string, why: string): void {
    const { times } = this.#options.arrivals.take(nonce);
    if (times > 0) this.wrong(`${nonce}: was sent ${why}`);
  }

  wrong(words: string): void {
    this.#options.tally.wrong.push(words);
  }
}

/** Returns the code of an error, or the start of its message. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return "code" in error ? String(error.code) : error.message.slice(0, 40);
}
