import type { Socket } from "node:net";

const block = Buffer.alloc(256 * 1024, "tls-director");

/** Writes that many bytes as fast as the socket takes them. */
export function writeBlocks(socket: Socket, bytes: number): void {
  let remaining = bytes;
  while (remaining > 0) {
    const part = remaining < block.length ? block.subarray(0, remaining) : block;
    remaining -= part.length;
    if (!socket.write(part)) {
      socket.once("drain", () => writeBlocks(socket, remaining));
      return;
    }
  }
}
