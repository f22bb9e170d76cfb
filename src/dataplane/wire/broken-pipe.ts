import type { Socket } from "node:net";

type Done = (error?: Error | null) => void;

/**
 * Lets a peer that has answered and closed without reading on be heard to its end. Its kernel sends RST; the next write
 * to it fails, and a socket whose write fails is destroyed, with the answer that waits in it. EPIPE says that FIN came
 * first (Linux, tcp_reset), so that the answer is whole. After ECONNRESET it may not be, and the write has taken the
 * error: the end that is read then must not be believed, as `onReset` is told. What is written from then on goes nowhere.
 */
export function readOnAfterBrokenPipe(
  socket: Socket,
  onReset: (error: NodeJS.ErrnoException) => void,
): void {
  const write = socket._write.bind(socket);
  const writeMany = socket._writev?.bind(socket);
  let isBroken = false;
  // A stream has one callback for all its writes; so there is one of these for all of them, too.
  let toldLast: Done | undefined;
  let tellLast: Done = () => {};
  const noteError = (error: NodeJS.ErrnoException): void => {
    if (error.code !== "EPIPE" && error.code !== "ECONNRESET") return;
    isBroken = true;
    if (error.code === "ECONNRESET") onReset(error);
  };
  const unlessBroken = (tell: Done): Done => {
    if (tell === tellLast) return toldLast ?? tell;
    tellLast = tell;
    toldLast = (error) => {
      if (error instanceof Error) noteError(error);
      tell(isBroken ? null : error);
    };
    return toldLast;
  };
  socket._write = (chunk, encoding, tell) => {
    if (isBroken) tell();
    else write(chunk, encoding, unlessBroken(tell));
  };
  if (writeMany === undefined) return;
  socket._writev = (chunks, tell) => {
    if (isBroken) tell();
    else writeMany(chunks, unlessBroken(tell));
  };
}
