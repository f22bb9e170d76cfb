import { readFileSync } from "node:fs";
import type { DirectorSettings } from "#model/document.ts";
import type { Notice } from "./notice.ts";

/** A connection takes the client's socket and the endpoint's. */
const FILES_PER_CONNECTION = 2;
/** Channel, pipes and what the runtime opens for itself; also the ports of a change, old and new, while it is made. */
const FILES_BESIDES = 128;

export interface ConnectionLimit {
  /** Of a worker that listens on so many ports. */
  readonly perWorker: (listeners: number) => number;
  readonly notice: Notice | undefined;
}

/** One worker's share of `director.maxConnections`, and never more than its open-file limit allows. */
export function connectionLimitOf(
  wanted: DirectorSettings["maxConnections"],
  workers: number,
  openFileLimit: number,
): ConnectionLimit {
  const mostWith = (listeners: number): number =>
    Math.max(1, Math.floor((openFileLimit - FILES_BESIDES - listeners) / FILES_PER_CONNECTION));
  if (wanted === "auto") return { perWorker: mostWith, notice: undefined };
  const share = Math.max(1, Math.floor(wanted / workers));
  const perWorker = (listeners: number): number => Math.min(share, mostWith(listeners));
  const most = mostWith(0);
  if (share <= most) return { perWorker, notice: undefined };
  return {
    perWorker,
    notice: {
      event: "open-file-limit-low",
      text:
        `director.maxConnections is ${wanted}, but an open-file limit of ${openFileLimit} allows each of the ${workers} ` +
        `workers ${most} connections. Raise it: \`ulimit -n\`, or LimitNOFILE in the systemd unit.`,
    },
  };
}

/** The soft limit of this process, which its workers inherit. proc(5). */
export function readOpenFileLimit(): number {
  const limits = readFileSync("/proc/self/limits", "utf8");
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
  return soft === undefined || soft === "unlimited" ? 1_048_576 : Number(soft);
}
