import type { HandshakeRecord } from "#model/records/handshake-record.ts";

/** The last failed handshakes of the director. */
export class RecentHandshakes {
  readonly #records: HandshakeRecord[] = [];
  readonly #capacity: number;
  #next = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(record: HandshakeRecord): void {
    this.#records[this.#next] = record;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** Returns the newest first, by the times in the records, because workers report in batches. */
  newest(limit: number): readonly HandshakeRecord[] {
    return this.#records.toSorted((one, other) => other.atMs - one.atMs).slice(0, limit);
  }
}
