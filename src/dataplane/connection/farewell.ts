import type { Deadlined } from "../live/deadlines.ts";
import type { WireHandler, WireSocket } from "../wire/wire.ts";
import type { Plane } from "./connection-state.ts";

/** For a client to read the last words and close. Closing at once would send RST over them while its request is unread. */
const FAREWELL_MS = 1_000;

/**
 * The socket of a client whose connection is over but for the last words to it: an alert, or an HTTP answer. It has a
 * place among the files of the worker until one is needed, and none among the connections of its vNIC.
 */
class Farewell implements WireHandler, Deadlined {
  deadlineAtMs: number;
  readonly #plane: Plane;
  readonly #client: WireSocket;

  constructor(plane: Plane, client: WireSocket) {
    this.#plane = plane;
    this.#client = client;
    this.deadlineAtMs = plane.deadlines.in(FAREWELL_MS);
  }

  onDeadline(): void {
    this.cut();
  }

  cut(): void {
    this.#client.destroy();
    this.#release();
  }

  #release(): void {
    this.#plane.deadlines.remove(this);
    this.#plane.connections.deleteFarewell(this);
  }

  onOpen(): void {}
  onData(): void {}
  onDrain(): void {}

  /** The client has heard it all and leaves, unless something is still on its way. */
  onEnd(): void {
    if (this.#client.queuedBytes === 0) this.cut();
  }

  onClose(): void {
    this.#release();
  }
}

/** Sends the last words, ends this side's half, and closes when the client does, or soon. */
export function sayFarewell(plane: Plane, client: WireSocket, words: Uint8Array): void {
  const farewell = new Farewell(plane, client);
  plane.deadlines.add(farewell);
  plane.connections.addFarewell(farewell);
  client.handler = farewell;
  client.write(words);
  client.end();
  client.resume();
}
