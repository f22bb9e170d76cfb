import type { Socket } from "node:net";
import type { BytePipe, PipeHandlers } from "./byte-pipe.ts";

/** Opens a pipe over a socket of node:net. */
export function openStreamPipe(socket: Socket, handlers: PipeHandlers): BytePipe {
  socket.on("data", (bytes: Buffer) => handlers.onData(bytes));
  socket.on("drain", () => handlers.onDrain());
  // EPIPE and ECONNRESET mean that the other process has ended. The event `close` follows.
  socket.on("error", () => undefined);
  socket.once("end", () => socket.destroy());
  socket.once("close", () => handlers.onClose());
  return {
    write(bytes) {
      if (!socket.writable) return false;
      socket.write(bytes);
      return true;
    },
    get waitingBytes() {
      return socket.writableLength;
    },
    close: () => {
      socket.destroy();
    },
  };
}
