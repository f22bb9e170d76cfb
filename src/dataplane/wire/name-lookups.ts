import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";

/**
 * How many lookups run at the same time. Each occupies one of the runtime's four threads until the resolver of the
 * system gives up.
 */
const MAX_RUNNING = 4;
/** After this time, the last answer is used, and the name counts as slow until a lookup of it takes less. */
const LATE_MS = 1_000;
/** How many lookups of slow names run at the same time: half of the threads. */
const MAX_SLOW_RUNNING = 2;
/** How long an old answer may be used in place of one that does not arrive. RFC 8767 allows days. */
const STALE_MS = 3_600_000;
/** How many names are remembered. Only egress listeners have names to look up, so the document limits their number. */
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
  /** Connects that wait for the lookup. A name has at most one lookup queued or running. */
  readonly waiters: Waiter[];
  state: "idle" | "queued" | "running";
  /** Whether the lookup is late. Connects are then given the last answer. */
  isLate: boolean;
  /** Whether the last lookup took long, or the running one does. */
  isSlow: boolean;
  lateTimer: NodeJS.Timeout | undefined;
  addresses: LookupAddress[];
  answeredAtMs: number;
}

/**
 * Looks up names for connects. Each name has one lookup in progress, however many connects wait for it. Names whose
 * lookups hang occupy only half of the threads. If a lookup hangs, the last answer is used. A connect that gets no
 * answer ends at its own deadline.
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
    if (name.isLate || name.isSlow) this.#giveLastAnswer(name);
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
    this.#giveLastAnswer(name);
  }

  #startNext(): void {
    for (const name of this.#queue) {
      if (this.#running >= MAX_RUNNING) return;
      if (name.isSlow && this.#slowRunning >= MAX_SLOW_RUNNING) continue;
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
        // The error is one of the resolver. Only ENOTFOUND means that the name does not exist.
        this.#giveLastAnswer(name);
      }
      this.#answer(name, error);
      this.#startNext();
    });
  }

  /** Gives the waiting connects the last answer if it is not too old. */
  #giveLastAnswer(name: Name): void {
    const { addresses, answeredAtMs } = name;
    if (addresses.length > 0 && performance.now() - answeredAtMs < STALE_MS)
      this.#answer(name, null);
  }

  #answer({ waiters, addresses }: Name, error: NodeJS.ErrnoException | null): void {
    const [first] = addresses;
    for (const { isAll, answered } of waiters.splice(0)) {
      if (error !== null) answered(error, []);
      else if (isAll) answered(null, addresses);
      else answered(null, first?.address ?? "", first?.family ?? 0);
    }
  }
}
