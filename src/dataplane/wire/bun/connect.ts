import net from "node:net";
import type { BunSocket, BunSocketHandlers } from "./native-api.ts";
import { nameFailure } from "../name-failure.ts";
import type { WireFailure } from "../wire.ts";

/** What is told how its connect went, and keeps what was opened. */
export interface Connectable {
  connected(socket: BunSocket<unknown>): void;
  failed(failure: WireFailure): void;
  closed(): void;
}

/** A connect that is under way. */
export interface Connecting {
  /** Closes its descriptor at once. */
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
  /** Bun's own socket from the start of the connect. It is not among Bun's published types. */
  _handle?: Reloadable | null;
  [connectable]?: Connectable | undefined;
}

/** The engine's socket keeps its net.Socket by this property, which would be a fifth of an idle connection's memory. */
let ownerKey: symbol | undefined;

function forgetOwner(handle: object): void {
  ownerKey ??= Object.getOwnPropertySymbols(handle).find(
    ({ description }) => description === "owner_symbol",
  );
  if (ownerKey !== undefined) (handle as Record<symbol, unknown>)[ownerKey] = undefined;
}

const OPTIONS = { allowHalfOpen: true } as const;

/**
 * Connects by way of node:net. `Bun.connect` gives no socket until it is open, so that nothing can close one that does
 * not get there: it keeps its descriptor for as long as the kernel tries. A socket of node:net can be closed at any time;
 * when it is open, it gives up Bun's own socket beneath, and `handlers` are told the rest.
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
