import type { Socket } from "node:net";

type Done = (error?: Error | null) => void;

/**
 * Lets the answer of a peer be read completely after the peer has closed without reading everything that was sent to
 * it. Its kernel then sends RST, the next write fails, and the engine would destroy the socket together with the unread
 * answer. EPIPE means that FIN arrived before the reset (Linux, tcp_reset), so the answer is complete. After ECONNRESET
 * the answer may be incomplete. Because the write has consumed the error, the engine then reads an ordinary end, which
 * must not be trusted: `onReset` is called. Later writes are discarded.
 */
export function readOnAfterBrokenPipe(
  socket: Socket,
  onReset: (error: NodeJS.ErrnoException) => void,
): void {
  const write = socket._write.bind(socket);
  const writeMany = socket._writev?.bind(socket);
  let isBroken = false;
  // A stream passes the same callback with every write, so one wrapper is enough for all writes.
  let lastWrapper: Done | undefined;
  let lastDone: Done = () => {};
  const noteError = (error: NodeJS.ErrnoException): void => {
    if (error.code !== "EPIPE" && error.code !== "ECONNRESET") return;
    isBroken = true;
    if (error.code === "ECONNRESET") onReset(error);
  };
  const withoutBrokenPipe = (done: Done): Done => {
    if (done === lastDone) return lastWrapper ?? done;
    lastDone = done;
    lastWrapper = (error) => {
      if (error instanceof Error) noteError(error);
      done(isBroken ? null : error);
    };
    return lastWrapper;
  };
  socket._write = (chunk, encoding, done) => {
    if (isBroken) done();
    else write(chunk, encoding, withoutBrokenPipe(done));
  };
  if (writeMany === undefined) return;
  socket._writev = (chunks, done) => {
    if (isBroken) done();
    else writeMany(chunks, withoutBrokenPipe(done));
  };
}
