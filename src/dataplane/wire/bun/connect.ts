import net from "node:net";
import type { BunSocket, BunSocketHandlers } from "./native-api.ts";
import { nameFailure } from "../name-failure.ts";
import type { WireFailure } from "../wire.ts";

/** The object that owns the socket of a connect and receives its result. */
export interface Connectable {
  connected(socket: BunSocket<unknown>): void;
  failed(failure: WireFailure): void;
  closed(): void;
}

/** A connect in progress. */
export interface Connecting {
  /** Closes the file descriptor immediately. */
  destroy(): void;
}

export type NativeTarget =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

export type Connect<Data extends Connectable = Connectable> = (
  target: NativeTarget,
  data: Data,
) => Connecting;

interface Reloadable extends BunSocket<unknown> {
  reload(options: { readonly socket: BunSocketHandlers<unknown> }): void;
}

const connectable = Symbol("connectable");

interface Borrowed extends net.Socket {
  /** Bun's own socket. It exists from the start of the connect, and is not among Bun's published types. */
  _handle?: Reloadable | null;
  [connectable]?: Connectable | undefined;
}

/**
 * The property by which Bun's own socket refers to its net.Socket. Without the net.Socket, an idle connection needs a
 * fifth less memory.
 */
let ownerKey: symbol | undefined;

function forgetOwner(handle: object): void {
  ownerKey ??= Object.getOwnPropertySymbols(handle).find(
    ({ description }) => description === "owner_symbol",
  );
  if (ownerKey !== undefined) (handle as Record<symbol, unknown>)[ownerKey] = undefined;
}

const OPTIONS = { allowHalfOpen: true } as const;

/**
 * Builds a function that connects with node:net. `Bun.connect` returns no socket before it is open, so a connect in
 * progress cannot be closed and keeps its descriptor for as long as the kernel tries. A net.Socket can be closed at any
 * time. When it is open, Bun's own socket is detached from it, and `handlers` receive all further events.
 */
export function buildConnect<Data extends Connectable>(
  handlers: BunSocketHandlers<Data>,
): Connect<Data> {
  const reload = { socket: handlers };

  function onConnect(this: Borrowed): void {
    const { _handle: handle, [connectable]: data } = this;
    if (handle === null || handle === undefined || data === undefined) {
      this.destroy();
      return;
    }
    this._handle = null;
    this[connectable] = undefined;
    handle.reload(reload);
    handle.data = data;
    forgetOwner(handle);
    data.connected(handle);
  }

  function onError(this: Borrowed, error: NodeJS.ErrnoException): void {
    this[connectable]?.failed(nameFailure(error));
  }

  function onClose(this: Borrowed): void {
    this[connectable]?.closed();
  }

  return (target, data) => {
    const socket: Borrowed = new net.Socket(OPTIONS);
    socket[connectable] = data;
    socket.on("connect", onConnect).on("error", onError).on("close", onClose);
    return socket.connect(target);
  };
}
