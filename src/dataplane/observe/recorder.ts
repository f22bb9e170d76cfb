import type { ConnectionRecord } from "#model/records/connection-record.ts";
import type { ExchangeRecord } from "#model/records/exchange-record.ts";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import type { HandshakeFailure } from "#model/records/outcome.ts";
import type { ListenerName } from "#model/names.ts";

const FLUSH_MS = 200;
/** How many records may wait for one flush. The rest is dropped and counted. */
const MAX_HANDSHAKES = 200;
/** Of connections and exchanges together. */
const MAX_ACCESS_LINES = 2_000;
/**
 * How many failed handshakes of each cause and listener are kept for one flush beyond `MAX_HANDSHAKES`, so that a flood
 * of one kind does not displace the others.
 */
const QUOTA = 5;
const MAX_HANDSHAKES_WITH_QUOTAS = 1_000;

export interface Events {
  readonly handshakes: readonly HandshakeRecord[];
  readonly connections: readonly ConnectionRecord[];
  readonly exchanges: readonly ExchangeRecord[];
  readonly dropped: number;
}

/**
 * Collects records for the control process and sends them in batches. Its memory is bounded, also during a flood of
 * connections.
 */
export class Recorder {
  readonly #send: (events: Events) => void;
  #handshakes: HandshakeRecord[] = [];
  /** How many of `#handshakes` have each cause and listener. */
  readonly #kept = new Map<ListenerName, Map<HandshakeFailure, number>>();
  #connections: ConnectionRecord[] = [];
  #exchanges: ExchangeRecord[] = [];
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (events: Events) => void) {
    this.#send = send;
  }

  handshakeFailed(record: HandshakeRecord): void {
    if (this.#hasRoomFor(record)) this.#handshakes.push(record);
    else this.#dropped += 1;
    this.#flushSoon();
  }

  /** Counts the record if there is room. */
  #hasRoomFor({ listener, failure }: HandshakeRecord): boolean {
    const { length } = this.#handshakes;
    let causes = this.#kept.get(listener);
    const count = causes?.get(failure) ?? 0;
    const isWithinQuota = count < QUOTA && length < MAX_HANDSHAKES_WITH_QUOTAS;
    if (length >= MAX_HANDSHAKES && !isWithinQuota) return false;
    if (causes === undefined) {
      causes = new Map();
      this.#kept.set(listener, causes);
    }
    causes.set(failure, count + 1);
    return true;
  }

  connectionEnded(record: ConnectionRecord): void {
    if (this.#hasRoomForLine()) this.#connections.push(record);
    else this.#dropped += 1;
    this.#flushSoon();
  }

  exchangeEnded(record: ExchangeRecord): void {
    if (this.#hasRoomForLine()) this.#exchanges.push(record);
    else this.#dropped += 1;
    this.#flushSoon();
  }

  #hasRoomForLine(): boolean {
    return this.#connections.length + this.#exchanges.length < MAX_ACCESS_LINES;
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#connections.length + this.#exchanges.length;
    if (this.#handshakes.length + lines + this.#dropped === 0) return;
    this.#send({
      handshakes: this.#handshakes,
      connections: this.#connections,
      exchanges: this.#exchanges,
      dropped: this.#dropped,
    });
    this.#handshakes = [];
    this.#kept.clear();
    this.#connections = [];
    this.#exchanges = [];
    this.#dropped = 0;
  }

  #flushSoon(): void {
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }
}
