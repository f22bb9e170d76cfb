import { DirectorError } from "#model/failure.ts";
import { socketAddressOf } from "#model/names.ts";
import type { Wire, WireListener, WireSocket } from "../wire/wire.ts";

/** How many connections may wait on one new address:port for the commit. */
const MAX_HELD = 4_096;

/** Takes over a connection that was accepted. */
export type Deliver = (socket: WireSocket) => void;

/** The listening socket of one address:port. Before its first commit it keeps the sockets that it accepts. */
class ListeningSocket {
  #held: WireSocket[] = [];
  #deliver: Deliver | undefined;
  #listener: WireListener | undefined;

  /** Resolves to false if the machine does not have the address. Rejects with DirectorError if the socket cannot be opened otherwise. */
  async tryOpen(wire: Wire, address: string, port: number): Promise<boolean> {
    try {
      this.#listener = await wire.listen({ address, port }, (socket) => this.#accepted(socket));
      return true;
    } catch (error) {
      if (error instanceof DirectorError && error.code === "address-not-available") return false;
      throw error;
    }
  }

  #accepted(socket: WireSocket): void {
    if (this.#deliver !== undefined) this.#deliver(socket);
    else if (this.#held.length < MAX_HELD) this.#held.push(socket);
    else socket.reset();
  }

  deliverTo(deliver: Deliver): void {
    this.#deliver = deliver;
    const held = this.#held;
    this.#held = [];
    for (const socket of held) deliver(socket);
  }

  close(): void {
    this.#listener?.close();
    const held = this.#held;
    this.#held = [];
    for (const socket of held) socket.reset();
  }
}

export interface Address {
  readonly address: string;
  readonly port: number;
}

/**
 * The listening sockets of a worker by address:port. They are kept when the snapshot changes: a changed listener keeps
 * its socket.
 */
export class ListeningSockets {
  readonly #wire: Wire;
  readonly #open = new Map<string, ListeningSocket>();
  readonly #prepared = new Map<string, ListeningSocket>();

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /**
   * Opens the sockets that are not open yet. If one cannot be opened, those opened before it stay prepared until
   * `rollBack`. An address that the machine has lost meanwhile is left out. Resolves to whether there was none.
   */
  async prepare(addresses: readonly Address[]): Promise<boolean> {
    let hasAll = true;
    const missing = addresses.filter(
      ({ address, port }) => !this.#open.has(socketAddressOf(address, port)),
    );
    for (const { address, port } of missing) {
      const socket = new ListeningSocket();
      // The sockets are opened sequentially, because the first failure names its address and makes the others
      // unnecessary.
      // oxlint-disable-next-line no-await-in-loop
      if (await socket.tryOpen(this.#wire, address, port)) {
        this.#prepared.set(socketAddressOf(address, port), socket);
      } else hasAll = false;
    }
    return hasAll;
  }

  rollBack(): void {
    for (const socket of this.#prepared.values()) socket.close();
    this.#prepared.clear();
  }

  /**
   * Puts the prepared sockets in force, delivers the connections of each socket to its listener, and closes the sockets
   * without a listener.
   */
  commit(deliverTo: ReadonlyMap<string, Deliver>): void {
    for (const [key, socket] of this.#prepared) this.#open.set(key, socket);
    this.#prepared.clear();
    for (const [key, socket] of this.#open) {
      const deliver = deliverTo.get(key);
      if (deliver !== undefined) {
        socket.deliverTo(deliver);
      } else {
        socket.close();
        this.#open.delete(key);
      }
    }
  }

  closeAll(): void {
    this.rollBack();
    for (const socket of this.#open.values()) socket.close();
    this.#open.clear();
  }
}
