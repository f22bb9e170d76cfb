import type { ConnectionRecord } from "#model/records/connection-record.ts";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import type { HandshakeFailure } from "#model/records/outcome.ts";
import type { ListenerName } from "#model/names.ts";

const FLUSH_MS = 200;
/** How many records may wait for one flush. The rest is dropped and counted. */
const MAX_HANDSHAKES = 200;
const MAX_CONNECTIONS = 2_000;
/**
 * How many failed handshakes of each cause and listener are kept for one flush beyond `MAX_HANDSHAKES`, so that a flood
 * of one kind does not displace the others.
 */
const QUOTA = 5;
const MAX_HANDSHAKES_WITH_QUOTAS = 1_000;

export interface Events {
  readonly handshakes: readonly HandshakeRecord[];
  readonly connections: readonly ConnectionRecord[];
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
    if (this.#connections.length < MAX_CONNECTIONS) this.#connections.push(record);
    else this.#dropped += 1;
    this.#flushSoon();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#handshakes.length + this.#connections.length + this.#dropped === 0) return;
    this.#send({
      handshakes: this.#handshakes,
      connections: this.#connections,
      dropped: this.#dropped,
    });
    this.#handshakes = [];
    this.#kept.clear();
    this.#connections = [];
    this.#dropped = 0;
  }

  #flushSoon(): void {
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }
}
