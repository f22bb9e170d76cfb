import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";

/** Lookups that run at once: each holds one of the runtime's four threads until the system's resolver has given up. */
const MOST_AT_ONCE = 4;
/** A name whose lookup took longer is slow until one is quicker. */
const SLOW_MS = 1_000;
/** Slow names look themselves up on half of the threads. */
const MOST_SLOW_AT_ONCE = 2;
/** How long an answer may stand in for one that does not come. RFC 8767 allows days. */
const STALE_MS = 3_600_000;
/** Names that are remembered; egress listeners name them, so there are as many as the operator wrote down. */
const MAX_NAMES = 10_000;

type Answered = Parameters<LookupFunction>[2];
type ResolveAll = (
  hostname: string,
  answered: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

interface Waiter {
  readonly isAll: boolean;
  readonly answered: Answered;
}

interface Name {
  readonly hostname: string;
  /** Of those who ask while a lookup is under way or queued; a name has one at a time. */
  readonly waiters: Waiter[];
  state: "idle" | "queued" | "running";
  isSlow: boolean;
  addresses: LookupAddress[];
  answeredAtMs: number;
}

/**
 * Looks names up for connects. One name has one lookup under way, however many connects wait for it; names that hang
 * leave threads to the others; and where a lookup hangs, the last answer is used. A connect that waits in vain ends at
 * its own deadline.
 */
export class NameLookups {
  readonly #resolveAll: ResolveAll;
  readonly #names = new Map<string, Name>();
  readonly #queue = new Set<Name>();
  #running = 0;
  #slowRunning = 0;

  constructor(resolveAll: ResolveAll) {
    this.#resolveAll = resolveAll;
  }

  /** The `lookup` option of net.connect. */
  readonly lookup: LookupFunction = (hostname, options, answered) => {
    const name = this.#nameOf(hostname);
    name.waiters.push({ isAll: options.all === true, answered });
    if (name.isSlow && this.#isUsable(name)) this.#tell(name, null);
    if (name.state !== "idle") return;
    name.state = "queued";
    this.#queue.add(name);
    this.#startNext();
  };

  #nameOf(hostname: string): Name {
    const known = this.#names.get(hostname);
    if (known !== undefined) return known;
    for (const { hostname: oldest, state } of this.#names.values()) {
      if (this.#names.size < MAX_NAMES) break;
      if (state === "idle") this.#names.delete(oldest);
    }
    const name: Name = {
      ...{ hostname, waiters: [], state: "idle", isSlow: false },
      ...{ addresses: [], answeredAtMs: Number.NEGATIVE_INFINITY },
    };
    this.#names.set(hostname, name);
    return name;
  }

  #isUsable({ addresses, answeredAtMs }: Name): boolean {
    return addresses.length > 0 && performance.now() - answeredAtMs < STALE_MS;
  }

  #startNext(): void {
    for (const name of this.#queue) {
      if (this.#running >= MOST_AT_ONCE) return;
      if (name.isSlow && this.#slowRunning >= MOST_SLOW_AT_ONCE) continue;
      this.#queue.delete(name);
      this.#start(name);
    }
  }

  #start(name: Name): void {
    const startedMs = performance.now();
    name.state = "running";
    this.#running += 1;
    if (name.isSlow) this.#slowRunning += 1;
    const timer = setTimeout(() => {
      if (!name.isSlow) this.#slowRunning += 1;
      name.isSlow = true;
      if (this.#isUsable(name)) this.#tell(name, null);
    }, SLOW_MS);
    this.#resolveAll(name.hostname, (error, addresses) => {
      clearTimeout(timer);
      this.#running -= 1;
      if (name.isSlow) this.#slowRunning -= 1;
      name.state = "idle";
      name.isSlow = performance.now() - startedMs >= SLOW_MS;
      if (error === null) {
        name.addresses = addresses;
        name.answeredAtMs = performance.now();
      }
      const isUnknown = error?.code === "ENOTFOUND";
      this.#tell(name, !isUnknown && this.#isUsable(name) ? null : error);
      this.#startNext();
    });
  }

  #tell({ waiters, addresses }: Name, error: NodeJS.ErrnoException | null): void {
    const [first] = addresses;
    for (const { isAll, answered } of waiters.splice(0)) {
      if (error !== null) answered(error, []);
      else if (isAll) answered(null, addresses);
      else answered(null, first?.address ?? "", first?.family ?? 0);
    }
  }
}
