import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Keeps the connections to a server within budgets: one for connections that have sent no request yet, and one for each kind of
 * request, which a connection belongs to from its request on. When a budget is used up, the connection that has waited for its
 * next request for longest is closed or, if all are in an exchange, the one with the oldest request. So no client can lock out
 * others by keeping connections open, and a flood of one kind affects no other.
 */
export function boundConnections<Kind extends string>(
  server: Server,
  most: Readonly<Record<Kind | "new", number>>,
  kindOf: (request: IncomingMessage) => Kind,
): void {
  const groups = new Map<Kind | "new", Group>();
  const groupOf = (kind: Kind | "new"): Group => {
    const group = groups.get(kind) ?? new Group(most[kind]);
    groups.set(kind, group);
    return group;
  };
  const home = new WeakMap<Socket, Group>();
  const moveTo = (group: Group, socket: Socket): void => {
    home.get(socket)?.forget(socket);
    home.set(socket, group);
    group.admit();
  };
  server.on("connection", (socket: Socket) => {
    const group = groupOf("new");
    moveTo(group, socket);
    group.waiting.add(socket);
    socket.once("close", () => home.get(socket)?.forget(socket));
  });
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    // The connection was closed to make room, or a pipelined request waits behind an exchange.
    if (socket.destroyed || home.get(socket)?.waiting.has(socket) !== true) return;
    const group = groupOf(kindOf(request));
    moveTo(group, socket);
    group.exchanging.add(socket);
    response.once("close", () => {
      if (group.exchanging.delete(socket) && !socket.destroyed) group.waiting.add(socket);
    });
  });
}

/** The connections of one kind. */
class Group {
  // A set keeps the order in which connections were added, so the first is the longest in this state.
  readonly waiting = new Set<Socket>();
  readonly exchanging = new Set<Socket>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** Makes room for one more connection. */
  admit(): void {
    if (this.waiting.size + this.exchanging.size < this.#most) return;
    const [longest] = this.waiting.size > 0 ? this.waiting : this.exchanging;
    // It is removed now, because more connections may arrive before its event `close`.
    if (longest !== undefined) this.forget(longest);
    longest?.destroy();
  }

  forget(socket: Socket): void {
    this.waiting.delete(socket);
    this.exchanging.delete(socket);
  }
}
