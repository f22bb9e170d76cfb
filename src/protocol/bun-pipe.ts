import type { BytePipe, PipeHandlers } from "./byte-pipe.ts";

/** What is used of a socket of Bun. */
interface BunSocket {
  /** How many bytes were taken; -1 if the socket is closed. */
  write(bytes: Uint8Array): number;
  terminate(): void;
}

interface BunConnect {
  connect(options: {
    readonly fd: number;
    readonly socket: {
      data(socket: BunSocket, bytes: Buffer): void;
      drain(socket: BunSocket): void;
      end(socket: BunSocket): void;
      close(socket: BunSocket): void;
      error(socket: BunSocket): void;
    };
  }): Promise<BunSocket>;
}

/** Undefined on another engine. */
export const tryBunConnect = (): BunConnect | undefined =>
  (globalThis as { readonly Bun?: BunConnect }).Bun;

/**
 * A pipe over an inherited descriptor on Bun, where `new net.Socket({ fd })` fails. A write takes only what fits into
 * the kernel's buffer; the rest waits here until `drain`.
 */
export async function openBunPipe(
  bun: BunConnect,
  fd: number,
  handlers: PipeHandlers,
): Promise<BytePipe> {
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let isBroken = false;
  let isClosed = false;

  const flush = (socket: BunSocket): void => {
    let at = 0;
    for (; at < waiting.length; at += 1) {
      const bytes = waiting[at] ?? Buffer.alloc(0);
      const taken = socket.write(bytes);
      if (taken < 0) {
        // `close` follows in a later turn.
        isBroken = true;
        break;
      }
      waitingBytes -= taken;
      if (taken < bytes.length) {
        waiting[at] = bytes.subarray(taken);
        break;
      }
    }
    if (at > 0) waiting = waiting.slice(at);
  };
  const closed = (): void => {
    if (isClosed) return;
    isClosed = true;
    waiting = [];
    waitingBytes = 0;
    handlers.onClose();
  };
  const socket = await bun.connect({
    fd,
    socket: {
      data: (_, bytes) => handlers.onData(bytes),
      drain: flush,
      end: (ended) => ended.terminate(),
      close: closed,
      // `close` follows.
      error: () => undefined,
    },
  });
  return {
    write(bytes) {
      if (isClosed || isBroken) return false;
      waiting.push(bytes);
      waitingBytes += bytes.length;
      if (waiting.length === 1) flush(socket);
      return !isBroken;
    },
    get waitingBytes() {
      return waitingBytes;
    },
    close() {
      if (!isClosed) socket.terminate();
    },
  };
}
