import { lookup, type LookupAddress, type LookupOptions } from "node:dns";

/** A lookup occupies one of the four threads with which the process also reads and writes files. */
const MAX_AT_ONCE = 2;

type Answered = (
  error: NodeJS.ErrnoException | null,
  addresses: string | LookupAddress[],
  family?: number,
) => void;

/**
 * Looks up the names of remote endpoints for checks. Names that are asked for at the same time are looked up once, and few lookups
 * run at once, so that a name server that does not answer leaves threads for the rest of the control process.
 */
export class CheckLookups {
  readonly #waiting = new Map<string, Answered[]>();
  readonly #due: (() => void)[] = [];
  #running = 0;

  /** A `lookup` of node:net. It always gives all addresses. */
  readonly lookup = (hostname: string, { all }: LookupOptions, answered: Answered): void => {
    const settle: Answered = (error, addresses) => {
      if (error !== null || all === true || typeof addresses === "string") {
        return answered(error, addresses);
      }
      const [first] = addresses;
      return answered(null, first?.address ?? "", first?.family);
    };
    const waiting = this.#waiting.get(hostname);
    if (waiting !== undefined) {
      waiting.push(settle);
      return;
    }
    this.#waiting.set(hostname, [settle]);
    this.#due.push(() => this.#start(hostname));
    this.#startNext();
  };

  #startNext(): void {
    if (this.#running >= MAX_AT_ONCE) return;
    const start = this.#due.shift();
    if (start === undefined) return;
    this.#running += 1;
    start();
  }

  #start(hostname: string): void {
    lookup(hostname, { all: true }, (error, addresses) => {
      const waiting = this.#waiting.get(hostname) ?? [];
      this.#waiting.delete(hostname);
      this.#running -= 1;
      for (const answered of waiting) answered(error, addresses);
      this.#startNext();
    });
  }
}
