import { SLOTS } from "#model/records/metric-catalog.ts";
import type { VnicRates } from "#model/records/status.ts";

/** The counts of the last seconds are kept by second. Workers report once a second. */
const WINDOW_SECONDS = 10;

const KINDS = ["connections", "handshakes", "bytesFromClients", "bytesToClients"] as const;

const { firstSlot } = SLOTS;
const KIND_OF_SLOT: ReadonlyMap<number, number> = new Map([
  [firstSlot.tlsd_connections_accepted_total, 0],
  // New sessions and resumed ones.
  [firstSlot.tlsd_handshakes_total, 1],
  [firstSlot.tlsd_handshakes_total + 1, 1],
  [firstSlot.tlsd_bytes_from_clients_total, 2],
  [firstSlot.tlsd_bytes_to_clients_total, 3],
]);

interface Window {
  /** A row of amounts, one for each kind, for each second of the window. */
  readonly amounts: Float64Array;
  lastSecond: number;
}

const NO_RATES: VnicRates = {
  connections: 0,
  handshakes: 0,
  bytesFromClients: 0,
  bytesToClients: 0,
};

/** How much each vNIC has counted in the last ten seconds. */
export class RecentCounts {
  readonly #windows = new Map<string, Window>();
  readonly #nowMs: () => number;
  readonly #startedSecond: number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#startedSecond = this.#second();
  }

  /** Takes flat pairs of slot and amount of one listener of the vNIC. */
  add(vnic: string, pairs: readonly number[]): void {
    for (let at = 0; at + 1 < pairs.length; at += 2) {
      const kind = KIND_OF_SLOT.get(pairs[at] ?? -1);
      const amount = pairs[at + 1] ?? 0;
      if (kind === undefined || amount === 0) continue;
      const { amounts, lastSecond } = this.#windowOf(vnic);
      const index = (lastSecond % WINDOW_SECONDS) * KINDS.length + kind;
      amounts[index] = (amounts[index] ?? 0) + amount;
    }
  }

  /** Returns the mean of the last ten seconds, or of the time since the start if that is shorter. */
  of(vnic: string): VnicRates {
    const window = this.#windows.get(vnic);
    if (window === undefined) return NO_RATES;
    this.#advance(window);
    const seconds = Math.min(WINDOW_SECONDS, this.#second() - this.#startedSecond + 1);
    const rateOf = (kind: number): number => {
      let sum = 0;
      for (let at = kind; at < window.amounts.length; at += KINDS.length) {
        sum += window.amounts[at] ?? 0;
      }
      return Math.round((10 * sum) / seconds) / 10;
    };
    return {
      connections: rateOf(0),
      handshakes: rateOf(1),
      bytesFromClients: rateOf(2),
      bytesToClients: rateOf(3),
    };
  }

  /** Forgets vNICs that have counted nothing in the last ten seconds. */
  forgetIdle(): void {
    const oldest = this.#second() - WINDOW_SECONDS;
    for (const [vnic, { lastSecond }] of this.#windows) {
      if (lastSecond <= oldest) this.#windows.delete(vnic);
    }
  }

  #windowOf(vnic: string): Window {
    let window = this.#windows.get(vnic);
    if (window === undefined) {
      const amounts = new Float64Array(WINDOW_SECONDS * KINDS.length);
      window = { amounts, lastSecond: this.#second() };
      this.#windows.set(vnic, window);
    }
    this.#advance(window);
    return window;
  }

  /** Clears the rows of the seconds that have passed. */
  #advance(window: Window): void {
    const second = this.#second();
    const first = Math.max(window.lastSecond + 1, second - WINDOW_SECONDS + 1);
    for (let passed = first; passed <= second; passed += 1) {
      const row = (passed % WINDOW_SECONDS) * KINDS.length;
      window.amounts.fill(0, row, row + KINDS.length);
    }
    window.lastSecond = Math.max(window.lastSecond, second);
  }

  #second(): number {
    return Math.floor(this.#nowMs() / 1_000);
  }
}
