import { readFileSync } from "node:fs";
import type { DirectorSettings } from "#model/document.ts";
import type { Notice } from "./notice.ts";

/** A connection takes the client's socket and the endpoint's. */
const FILES_PER_CONNECTION = 2;
/** Listening sockets, channel, pipes and what the runtime opens for itself. */
const FILES_BESIDES = 128;

export interface ConnectionLimit {
  readonly perWorker: number;
  readonly notice: Notice | undefined;
}

/** One worker's share of `director.maxConnections`, and never more than its open-file limit allows. */
export function connectionLimitOf(
  wanted: DirectorSettings["maxConnections"],
  workers: number,
  openFileLimit: number,
): ConnectionLimit {
  const most = Math.max(1, Math.floor((openFileLimit - FILES_BESIDES) / FILES_PER_CONNECTION));
  if (wanted === "auto") return { perWorker: most, notice: undefined };
  const share = Math.max(1, Math.floor(wanted / workers));
  if (share <= most) return { perWorker: share, notice: undefined };
  return {
    perWorker: most,
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
