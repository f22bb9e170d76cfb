import type { ConnectionRecord } from "#model/records/connection-record.ts";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";

const FLUSH_MS = 200;
/** How many records may wait for one flush. The rest is dropped and counted. */
const MAX_HANDSHAKES = 200;
const MAX_CONNECTIONS = 2_000;

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
  #connections: ConnectionRecord[] = [];
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (events: Events) => void) {
    this.#send = send;
  }

  handshakeFailed(record: HandshakeRecord): void {
    if (this.#handshakes.length < MAX_HANDSHAKES) this.#handshakes.push(record);
    else this.#dropped += 1;
    this.#flushSoon();
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
    this.#connections = [];
    this.#dropped = 0;
  }

  #flushSoon(): void {
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }
}
