import { DirectorError } from "#model/failure.ts";
import type { Snapshot } from "#model/records/snapshot.ts";
import type { ChangeRequest, StateInForce } from "../change/change.ts";
import {
  absenceOf,
  absencesFrom,
  isSameAbsences,
  wantedIpsOf,
  type Absence,
  type Absences,
} from "./absence.ts";
import type { Obstacles } from "./find-obstacles.ts";
import type { LocalAddresses } from "./local-addresses.ts";

export interface AddressWatchParts {
  readonly addresses: LocalAddresses;
  readonly inForce: () => StateInForce | undefined;
  readonly change: (request: ChangeRequest) => Promise<unknown>;
  /** Finds out which listeners of the snapshot that are not in `held` cannot be opened. */
  readonly findObstacles: (held: ReadonlySet<string>, snapshot: Snapshot) => Promise<Obstacles>;
  /** Called with an internal error. The watch continues to work. */
  readonly onFault: (error: unknown) => void;
  readonly intervalMs?: number;
}

const DEFAULT_INTERVAL_MS = 1_000;
/** How many absent addresses one look probes that no interface has. Each probe takes about 50 us of CPU time. */
const MAX_PROBES_IN_A_LOOK = 256;
/** How many looks it takes until addresses that were present are probed again although no interface has changed. */
const LOOKS_TO_FULL_LOOK = 30;
const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 60_000;

/**
 * Finds out when a virtual IP of the document in force disappears from this machine or appears, and then causes a change, which
 * saves nothing. It looks every second, because no API of Node reports changes of addresses.
 */
export class AddressWatch {
  readonly #parts: AddressWatchParts;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #isLooking = false;
  #looks = 0;
  /** Absent addresses that were probed since the start, so that each look continues with the next of many. */
  #probed = 0;
  /** Whether a worker could not open a listener although its virtual IP is not known to be absent. */
  #isForced = false;
  /** The last change that was asked for, if it failed or did not settle the matter. */
  #unsettled = { wanted: "", attempts: 0, retryAtMs: 0 };

  constructor(parts: AddressWatchParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#schedule(0);
  }

  /** Looks at once. To be called when the document has changed. */
  wake(): void {
    if (this.#timer !== undefined) this.#schedule(0);
  }

  /** To be called when a worker could not open a listener because its virtual IP is absent. */
  noteLackingWorker(): void {
    this.#isForced = true;
    this.wake();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.look()
        .catch((error: unknown) => {
          if (!this.#isClosed) this.#parts.onFault(error);
        })
        .finally(() => this.#schedule(this.#parts.intervalMs ?? DEFAULT_INTERVAL_MS));
    }, ms);
  }

  /** Compares the addresses of this machine with the state in force. Resolves when a change that is necessary has ended. */
  async look(): Promise<void> {
    const state = this.#parts.inForce();
    if (state === undefined || this.#isLooking) return;
    this.#isLooking = true;
    try {
      const absences = await this.#absencesNow(state);
      if (this.#isClosed) return;
      const isSame = isSameAbsences(absences, state.absences);
      if (this.#isForced || !isSame) await this.#change(absences, state);
      else this.#unsettled = { wanted: "", attempts: 0, retryAtMs: 0 };
    } finally {
      this.#isLooking = false;
    }
  }

  async #absencesNow(state: StateInForce): Promise<Absences> {
    this.#looks += 1;
    if (this.#looks % LOOKS_TO_FULL_LOOK === 0) this.#parts.addresses.forget();
    const ips = wantedIpsOf(state.document);
    const due = this.#dueOf(ips.filter((ip) => state.absences.has(ip)));
    const asked = ips.filter((ip) => !state.absences.has(ip) || due.has(ip));
    const absent = await this.#parts.addresses.absentOf(asked);
    const absences = new Map<string, Absence>();
    for (const ip of ips) {
      const before = state.absences.get(ip);
      const now = absent.has(ip) ? absenceOf(ip) : undefined;
      const isBack = before !== undefined && now === undefined && due.has(ip);
      const absence = isBack ? await this.#obstacleTo(ip, state) : (now ?? before);
      if (absence !== undefined) absences.set(ip, absence);
    }
    return absences;
  }

  /** Returns those of the absent addresses that this look probes: those that an interface has, and some of the others. */
  #dueOf(ips: readonly string[]): ReadonlySet<string> {
    if (ips.length <= MAX_PROBES_IN_A_LOOK) return new Set(ips);
    const from = this.#probed % ips.length;
    this.#probed += MAX_PROBES_IN_A_LOOK;
    const some = [...ips.slice(from), ...ips.slice(0, from)].slice(0, MAX_PROBES_IN_A_LOOK);
    return new Set([...some, ...this.#parts.addresses.listedOf(ips)]);
  }

  /** Returns why the listeners of an address that has appeared cannot be opened, e.g. because another program has the port. */
  async #obstacleTo(ip: string, { compiled, held }: StateInForce): Promise<Absence | undefined> {
    const { snapshot } = compiled;
    const listeners = snapshot.listeners.filter(({ virtualIp }) => virtualIp === ip);
    const obstacles = await this.#parts.findObstacles(held, {
      ...snapshot,
      ...{ listeners, absentIps: [] },
    });
    return absencesFrom(obstacles).get(ip);
  }

  async #change(absences: Absences, { document }: StateInForce): Promise<void> {
    const isForced = this.#isForced;
    const wanted = JSON.stringify([isForced, ...absences.keys()]);
    const nowMs = performance.now();
    const last = this.#unsettled;
    const attempts = last.wanted === wanted ? last.attempts : 0;
    if (attempts > 0 && nowMs < last.retryAtMs) return;
    const pauseMs = Math.min(FIRST_RETRY_MS * 2 ** attempts, MAX_RETRY_MS);
    this.#unsettled = { wanted, attempts: attempts + 1, retryAtMs: nowMs + pauseMs };
    this.#isForced = false;
    const looked = new Set(wantedIpsOf(document));
    try {
      await this.#parts.change({
        kind: "addresses",
        by: { origin: "address-watcher" },
        want: (inForce) => {
          const entries = wantedIpsOf(inForce?.document ?? document).flatMap((ip) => {
            // The document may have changed since the look. Its check has found what is absent of its new addresses.
            const absence = (looked.has(ip) ? absences : inForce?.absences)?.get(ip);
            return absence === undefined ? [] : [[ip, absence] as const];
          });
          return Promise.resolve({ kind: "addresses", absences: new Map(entries), isForced });
        },
      });
    } catch (error) {
      this.#isForced ||= isForced;
      // The refusal is in the log, and the change is tried again.
      if (!(error instanceof DirectorError)) throw error;
    }
  }
}
