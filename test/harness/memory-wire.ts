import { socketAddressOf } from "#model/names.ts";
import {
  type ConnectTarget,
  type ListenTarget,
  type TlsSocket,
  type Wire,
  type WireContext,
  type WireHandler,
  type WireListener,
  type WireSocket,
} from "#dataplane/wire/wire.ts";
import { MemorySocket } from "./memory-socket.ts";

interface Address {
  readonly address: string;
  readonly port: number;
}

const keyOf = (target: ConnectTarget): string =>
  "path" in target ? target.path : socketAddressOf(target.host, target.port);

/** Sockets in memory. Its TLS is none: a handshake is done at once, and bytes stay as they are. */
export class MemoryWire implements Wire {
  readonly #listeners = new Map<string, (socket: WireSocket) => void>();
  /** Addresses that let a connect wait for ever. */
  readonly silentAddresses = new Set<string>();
  /** Whether a handshake with an endpoint waits for ever. */
  isTlsSilent = false;
  /** Whether sockets lend each chunk, and overwrite it when the handler has returned. */
  lendsChunks = false;
  /** The targets of all connects, in order. */
  readonly connects: string[] = [];
  /** The number of handshakes with clients. */
  handshakes = 0;
  #nextPort = 50_000;

  listen(target: ListenTarget, onAccept: (socket: WireSocket) => void): Promise<WireListener> {
    const key = "path" in target ? target.path : socketAddressOf(target.address, target.port);
    this.#listeners.set(key, onAccept);
    return Promise.resolve({ close: () => this.#listeners.delete(key) });
  }

  connect(target: ConnectTarget, handler: WireHandler): WireSocket {
    const key = keyOf(target);
    const remote =
      "path" in target ? { address: "", port: 0 } : { address: target.host, port: target.port };
    const [near, far] = this.pair(remote, "127.0.0.1");
    near.handler = handler;
    this.connects.push(key);
    if (this.silentAddresses.has(key)) return near;
    queueMicrotask(() => {
      if (near.isGivenUp) return;
      const accept = this.#listeners.get(key);
      if (accept === undefined) {
        near.close({ kind: "refused", detail: "in memory" });
        return;
      }
      near.connectTo(far);
      accept(far);
      near.handler.onOpen();
    });
    return near;
  }

  /** Two ends that are not yet connected: that of the connecting side, and that of the remote address. */
  pair(remote: Address, fromAddress: string): readonly [MemorySocket, MemorySocket] {
    this.#nextPort += 1;
    const local = { address: fromAddress, port: this.#nextPort };
    const ends = [new MemorySocket(local, remote), new MemorySocket(remote, local)] as const;
    for (const end of ends) end.lendsChunks = this.lendsChunks;
    return ends;
  }

  maxHelloBytes(): number {
    return Number.POSITIVE_INFINITY;
  }

  buildContext(): WireContext {
    return { memoryBytes: 1, setTicketKeys() {} };
  }

  startServerTls(raw: WireSocket, _options: unknown, handler: WireHandler): TlsSocket {
    this.handshakes += 1;
    return startTls(raw, handler);
  }

  startClientTls(raw: WireSocket, _options: unknown, handler: WireHandler): TlsSocket {
    return startTls(raw, handler, this.isTlsSilent);
  }
}

function startTls(raw: WireSocket, handler: WireHandler, isSilent = false): TlsSocket {
  if (!(raw instanceof MemorySocket)) throw new TypeError("The socket belongs to another wire.");
  raw.handler = handler;
  if (!isSilent) queueMicrotask(() => raw.handler.onOpen());
  return raw;
}
