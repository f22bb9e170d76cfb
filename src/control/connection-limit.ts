import { readFileSync } from "node:fs";
import type { DirectorSettings } from "#model/document/document.ts";
import { DirectorError } from "#model/failure.ts";
import type { Notice } from "./notice.ts";

/** A connection needs one socket to the client and one to the endpoint. */
const FILES_PER_CONNECTION = 2;
/** Files for the channel, the pipes and the runtime, and for the additional ports that are open during a change. */
const FILES_BESIDES = 128;
/** If a worker may have fewer connections than this, the open-file limit was probably not set for a server. */
const SCARCE_CONNECTIONS = 1_000;
/** How many files the control process needs for one worker: its channel and pipes, and briefly those of its successor. */
const CONTROL_FILES_PER_WORKER = 4;
/** With fewer files, not counting those for workers, the runtimes fail without a clear error. */
const LEAST_CONTROL_FILES = 60;
/** Files that the control process needs for itself, for its state and for connections to its HTTP servers. */
const CONTROL_FILES = 768;

export interface ConnectionLimit {
  /** Returns how many connections a worker may have if it has that many listeners. */
  readonly perWorker: (listeners: number) => number;
  readonly notices: readonly Notice[];
}

/**
 * Computes one worker's share of `director.maxConnections`. It is never more than the open-file limit allows. Throws
 * DirectorError `open-files-too-few`.
 */
export function connectionLimitOf(
  wanted: DirectorSettings["maxConnections"],
  workers: number,
  openFileLimit: number,
): ConnectionLimit {
  const least = LEAST_CONTROL_FILES + workers * CONTROL_FILES_PER_WORKER;
  if (openFileLimit < least) {
    const plural = workers === 1 ? "" : "s";
    throw new DirectorError(
      "open-files-too-few",
      `It is ${openFileLimit}. With ${workers} worker${plural} it must be at least ${least}.`,
    );
  }
  const mostWith = (listeners: number): number =>
    Math.max(1, Math.floor((openFileLimit - FILES_BESIDES - listeners) / FILES_PER_CONNECTION));
  const share = wanted === "auto" ? undefined : Math.max(1, Math.floor(wanted / workers));
  const most = mostWith(0);
  return {
    perWorker: (listeners) => Math.min(share ?? Infinity, mostWith(listeners)),
    notices: [
      ...(most < (share ?? SCARCE_CONNECTIONS)
        ? [workersNotice(wanted, { openFileLimit, workers, most })]
        : []),
      ...controlNotices(openFileLimit, workers),
    ],
  };
}

const RAISE = "Raise it with `ulimit -n`, or with LimitNOFILE in the systemd unit.";

const workersNotice = (
  wanted: DirectorSettings["maxConnections"],
  facts: { readonly openFileLimit: number; readonly workers: number; readonly most: number },
): Notice => ({
  event: "open-file-limit-low",
  text:
    `director.maxConnections is ${wanted}, but an open-file limit of ${facts.openFileLimit} allows each of the ` +
    `${facts.workers} workers ${facts.most} connection${facts.most === 1 ? "" : "s"}. ${RAISE}`,
});

function controlNotices(openFileLimit: number, workers: number): readonly Notice[] {
  const needed = CONTROL_FILES + workers * CONTROL_FILES_PER_WORKER;
  if (openFileLimit >= needed) return [];
  return [
    {
      event: "control-open-file-limit-low",
      text:
        `The open-file limit is ${openFileLimit}, but the control process may need ${needed} files. Below this limit it may ` +
        `fail to answer requests, to check endpoints or to replace a worker. ${RAISE}`,
    },
  ];
}

/** Returns the soft open-file limit of this process, which its workers inherit (proc(5)). */
export function readOpenFileLimit(): number {
  const limits = tryRead("/proc/self/limits");
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
  return soft === undefined || soft === "unlimited" ? 1_048_576 : Number(soft);
}

function tryRead(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
