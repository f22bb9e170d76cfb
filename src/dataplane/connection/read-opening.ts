import type { WireHandler } from "../wire/wire.ts";
import type { ConnectionState } from "./connection-state.ts";
import { failHandshake } from "./finish.ts";

const NOTHING = Buffer.alloc(0);
const MIN_CAPACITY_BYTES = 1_024;

/** What has come so far. It grows to twice its size, so that a client that sends byte by byte costs no more copies. */
class OpeningBytes {
  #buffer: Buffer;
  #length: number;

  constructor(first: Buffer) {
    this.#buffer = first;
    this.#length = first.length;
  }

  get all(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  get capacity(): number {
    return this.#buffer.length;
  }

  add(chunk: Buffer, isLent: boolean): void {
    const length = this.#length + chunk.length;
    if (this.#length === 0 && !isLent) {
      this.#buffer = chunk;
    } else {
      if (length > this.#buffer.length) this.#grow(length);
      chunk.copy(this.#buffer, this.#length);
    }
    this.#length = length;
  }

  #grow(length: number): void {
    const grown = Buffer.allocUnsafe(Math.max(MIN_CAPACITY_BYTES, 2 * length));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

/**
 * Gathers the first bytes of a client until `parse` has what it looks for; undefined there asks for more. Resolves with
 * what was found and every byte read so far, with the socket held; with undefined when the connection is over. `parse`
 * bounds what it asks for, and is given the bytes of its last call with more behind them.
 */
export function readOpening<Found>(
  connection: ConnectionState,
  firstBytes: Buffer | undefined,
  parse: (bytes: Buffer) => Found | undefined,
): Promise<{ readonly found: Found; readonly bytes: Buffer } | undefined> {
  const { client, plane } = connection;
  const opening = new OpeningBytes(firstBytes ?? NOTHING);
  if (opening.capacity > 0) {
    const found = parse(opening.all);
    if (found !== undefined) return Promise.resolve({ found, bytes: opening.all });
  }
  return new Promise((resolve) => {
    const over = (): void => resolve(undefined);
    const handler: WireHandler = {
      onOpen() {},
      onDrain() {},
      onData(chunk, isLent) {
        opening.add(chunk, isLent);
        const bytes = opening.all;
        const found = parse(bytes);
        plane.openingMemory.hold(connection, opening.capacity);
        if (connection.isOver) return over();
        if (found === undefined) return;
        client.hold();
        resolve({ found, bytes });
      },
      onEnd() {
        failHandshake(connection, "closed");
        over();
      },
      onClose(failure) {
        failHandshake(connection, failure === undefined ? "closed" : "reset");
        over();
      },
    };
    client.handler = handler;
    client.resume();
  });
}
