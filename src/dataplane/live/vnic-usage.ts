import { limitKeyOf } from "#model/addresses/cidr.ts";
import type { OverLimit } from "#model/records/outcome.ts";
import type { SnapshotVnic } from "#model/records/snapshot.ts";
import { RateBucket } from "./rate-bucket.ts";
import { RecentMap } from "./recent-map.ts";

/** How many client addresses each vNIC remembers the rate of. A new address replaces the least recently used one. */
const MAX_ADDRESSES = 65_536;

/** The usage and limits of one vNIC in this worker. The usage is kept when the snapshot changes. */
export class VnicUsage {
  #limits: SnapshotVnic;
  #openConnections = 0;
  #handshakes: RateBucket | undefined;
  readonly #addresses = new RecentMap<string, RateBucket>(MAX_ADDRESSES);

  constructor(limits: SnapshotVnic) {
    this.#limits = limits;
  }

  setLimits(limits: SnapshotVnic): void {
    if (limits === this.#limits) return;
    if (limits.handshakesPerSecond === undefined) this.#handshakes = undefined;
    else this.#handshakes?.setRate(limits.handshakesPerSecond);
    const perAddress = limits.handshakesPerSecondPerAddress;
    if (perAddress === undefined) {
      this.#addresses.clear();
    } else if (perAddress !== this.#limits.handshakesPerSecondPerAddress) {
      for (const bucket of this.#addresses.values()) bucket.setRate(perAddress);
    }
    this.#limits = limits;
  }

  get openConnections(): number {
    return this.#openConnections;
  }

  /**
   * Counts the connection, or returns the limit that it exceeds. A counted connection must be released with `release`.
   */
  tryAdmit(nowMs: number): OverLimit | undefined {
    const { maxConnections, handshakesPerSecond } = this.#limits;
    if (maxConnections !== undefined && this.#openConnections >= maxConnections)
      return "vnic-connections";
    if (handshakesPerSecond !== undefined) {
      this.#handshakes ??= new RateBucket(handshakesPerSecond, nowMs);
      if (!this.#handshakes.tryTake(nowMs)) return "vnic-handshake-rate";
    }
    this.#openConnections += 1;
    return undefined;
  }

  release(): void {
    this.#openConnections -= 1;
  }

  /**
   * Undoes the handshake that `tryAdmit` counted, for a connection that was refused for another reason, such as the
   * rate of its address. It must not use up the shared rate.
   */
  giveHandshakeBack(): void {
    this.#handshakes?.giveBack();
  }

  /** Counts a handshake against the rate of this client address. Returns false if the rate is used up. */
  tryTakeHandshake(clientAddress: string, nowMs: number): boolean {
    const perSecond = this.#limits.handshakesPerSecondPerAddress;
    if (perSecond === undefined) return true;
    const bucket = this.#addresses.use(
      limitKeyOf(clientAddress),
      () => new RateBucket(perSecond, nowMs),
    );
    return bucket.tryTake(nowMs);
  }
}
