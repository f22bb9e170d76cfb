import type { Deadlined } from "../live/deadlines.ts";
import type { WireHandler, WireSocket } from "../wire/wire.ts";
import type { Plane } from "./connection-state.ts";

/**
 * How long a client may take to read the final message and close. If the socket was closed immediately while part of
 * the client's request is unread, the kernel would send RST, and the client could lose the message.
 */
const FAREWELL_MS = 1_000;

/**
 * The socket of a client whose connection has ended except for a final message: a TLS alert or an HTTP response. It
 * counts against `maxConnections` of the worker, where any new connection may replace it, and does not count against
 * the limits of its vNIC.
 */
class Farewell implements WireHandler, Deadlined {
  deadlineAtMs: number;
  deadlinePlace = -1;
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

  /** The client has closed. The socket is closed as well unless part of the message is still queued. */
  onEnd(): void {
    if (this.#client.queuedBytes === 0) this.cut();
  }

  onClose(): void {
    this.#release();
  }
}

/**
 * Sends the final message, ends this side's half, and closes the socket when the client closes or after FAREWELL_MS.
 */
export function sayFarewell(plane: Plane, client: WireSocket, message: Uint8Array): void {
  const farewell = new Farewell(plane, client);
  plane.deadlines.add(farewell);
  plane.connections.addFarewell(farewell);
  client.handler = farewell;
  // The client's half may have been ended already, if there is no message.
  if (message.length > 0) client.write(message);
  client.end();
  client.resume();
}
