import { lookup, type LookupAddress, type LookupOptions } from "node:dns";
import type { LookupFunction } from "node:net";

/** A lookup occupies one of the four threads with which the process also reads and writes files. */
const MAX_AT_ONCE = 2;

type Answered = (
  error: NodeJS.ErrnoException | null,
  addresses: string | LookupAddress[],
  family?: number,
) => void;

type Settle = (error: Error | null, addresses: readonly LookupAddress[]) => void;

/** Every address of a name is one that a check must not connect to. */
export class AddressNotAllowed extends Error {}

/**
 * Looks up the names of remote endpoints for checks. Names that are asked for at the same time are looked up once, and few lookups
 * run at once, so that a name server that does not answer leaves threads for the rest of the control process.
 */
export class CheckLookups {
  readonly #waiting = new Map<string, Settle[]>();
  readonly #due: (() => void)[] = [];
  #running = 0;

  /** Returns a `lookup` of node:net that leaves out the addresses for which `refuse` returns a reason. */
  lookupWithout(refuse: (address: string) => string | undefined): LookupFunction {
    return (hostname, options, answered) => this.#lookup(hostname, options, refuse, answered);
  }

  #lookup(
    hostname: string,
    { all }: LookupOptions,
    refuse: (address: string) => string | undefined,
    answered: Answered,
  ): void {
    const settle = (error: Error | null, addresses: readonly LookupAddress[]): void => {
      if (error !== null) return answered(error, []);
      const allowed = addresses.filter(({ address }) => refuse(address) === undefined);
      const [first] = allowed;
      if (first === undefined) {
        const [refused = ""] = addresses.map(({ address }) => `${address}, ${refuse(address)}`);
        return answered(new AddressNotAllowed(`${hostname} is at ${refused}`), []);
      }
      if (all === true) return answered(null, allowed);
      answered(null, first.address, first.family);
    };
    const waiting = this.#waiting.get(hostname);
    if (waiting !== undefined) {
      waiting.push(settle);
      return;
    }
    this.#waiting.set(hostname, [settle]);
    this.#due.push(() => this.#start(hostname));
    this.#startNext();
  }

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
      for (const settle of waiting) settle(error, addresses);
      this.#startNext();
    });
  }
}
