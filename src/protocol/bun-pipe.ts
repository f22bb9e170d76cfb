import type { BytePipe, PipeHandlers } from "./byte-pipe.ts";

/** The part of Bun's socket that is used here. */
interface BunSocket {
  /** Returns how many bytes were written, or -1 if the socket is closed. */
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

/** Returns undefined on another engine. */
export const tryBunConnect = (): BunConnect | undefined =>
  (globalThis as { readonly Bun?: BunConnect }).Bun;

/**
 * Opens a pipe over an inherited descriptor on Bun, where `new net.Socket({ fd })` fails. A write to Bun's socket takes only as
 * much as fits into the kernel's buffer. The rest waits here until `drain`.
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
        // Bun calls `close` later.
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
  const drained = (socket: BunSocket): void => {
    flush(socket);
    if (waiting.length === 0) handlers.onDrain();
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
      drain: drained,
      end: (ended) => ended.terminate(),
      close: closed,
      // Bun calls `close` next.
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
