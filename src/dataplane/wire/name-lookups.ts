import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";

/** Lookups that run at once: each holds one of the runtime's four threads until the system's resolver has given up. */
const MOST_AT_ONCE = 4;
/** After this long the last answer is used, and a name is slow until a lookup of it is quicker. */
const LATE_MS = 1_000;
/** Lookups of slow names: half of the threads. */
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
  /** Connects that ask while a lookup is queued or under way; a name has one at a time. */
  readonly waiters: Waiter[];
  state: "idle" | "queued" | "running";
  /** The lookup is late: what asks now is given the last answer. */
  isLate: boolean;
  /** The last lookup took long, or the one under way does. */
  isSlow: boolean;
  lateTimer: NodeJS.Timeout | undefined;
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
    if (name.state === "idle") {
      name.state = "queued";
      name.lateTimer = setTimeout(() => this.#late(name), LATE_MS);
      this.#queue.add(name);
      this.#startNext();
    }
    if (name.isLate || name.isSlow) this.#tellLastAnswer(name);
  };

  #nameOf(hostname: string): Name {
    const known = this.#names.get(hostname);
    if (known !== undefined) return known;
    for (const { hostname: oldest, state } of this.#names.values()) {
      if (this.#names.size < MAX_NAMES) break;
      if (state === "idle") this.#names.delete(oldest);
    }
    const name: Name = {
      ...{ hostname, waiters: [], state: "idle", isLate: false, isSlow: false },
      ...{ lateTimer: undefined, addresses: [], answeredAtMs: Number.NEGATIVE_INFINITY },
    };
    this.#names.set(hostname, name);
    return name;
  }

  #late(name: Name): void {
    name.isLate = true;
    if (name.state === "running" && !name.isSlow) {
      name.isSlow = true;
      this.#slowRunning += 1;
    }
    this.#tellLastAnswer(name);
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
    this.#resolveAll(name.hostname, (error, addresses) => {
      clearTimeout(name.lateTimer);
      this.#running -= 1;
      if (name.isSlow) this.#slowRunning -= 1;
      name.state = "idle";
      name.isLate = false;
      name.isSlow = performance.now() - startedMs >= LATE_MS;
      if (error === null) {
        name.addresses = addresses;
        name.answeredAtMs = performance.now();
      } else if (error.code !== "ENOTFOUND") {
        // The resolver has failed, and not the name.
        this.#tellLastAnswer(name);
      }
      this.#tell(name, error);
      this.#startNext();
    });
  }

  /** If there is one that is not too old. */
  #tellLastAnswer(name: Name): void {
    const { addresses, answeredAtMs } = name;
    if (addresses.length > 0 && performance.now() - answeredAtMs < STALE_MS) this.#tell(name, null);
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
