import { Socket } from "node:net";
import { openBunPipe, tryBunConnect } from "./bun-pipe.ts";
import type { BytePipe, PipeHandlers } from "./byte-pipe.ts";
import { openStreamPipe } from "./stream-pipe.ts";

/** The file descriptor of a worker's end of the pipe. 0 to 2 are its standard streams. */
export const WORKER_PIPE_FD = 3;

/** Opens the worker's end of the pipe. Rejects if the descriptor is not a socket. */
export async function openWorkerPipe(handlers: PipeHandlers): Promise<BytePipe> {
  const bun = tryBunConnect();
  if (bun !== undefined) return openBunPipe(bun, WORKER_PIPE_FD, handlers);
  return openStreamPipe(
    new Socket({ fd: WORKER_PIPE_FD, readable: true, writable: true }),
    handlers,
  );
}
