import { readFileSync } from "node:fs";
import type { DirectorSettings } from "#model/document/document.ts";
import { DirectorError } from "#model/failure.ts";
import type { Notice } from "./notice.ts";

/** A connection takes the client's socket and the endpoint's. */
const FILES_PER_CONNECTION = 2;
/** Channel, pipes and what the runtime opens for itself; also the ports of a change, old and new, while it is made. */
const FILES_BESIDES = 128;
/** Less than this in a worker is a limit that was set for another kind of program. */
const SCARCE_CONNECTIONS = 1_000;
/** How many files the control process needs for one worker: its channel and pipes, and briefly those of its successor. */
const CONTROL_FILES_PER_WORKER = 4;
/** With fewer, besides those of the workers, the runtimes fail in ways that name nothing. */
const LEAST_CONTROL_FILES = 60;
/** What the control process opens for itself, its state and the connections to its HTTP servers. */
const CONTROL_FILES = 192;

export interface ConnectionLimit {
  /** Of a worker that listens on so many ports. */
  readonly perWorker: (listeners: number) => number;
  readonly notices: readonly Notice[];
}

/**
 * One worker's share of `director.maxConnections`, and never more than its open-file limit allows. Throws DirectorError
 * `open-files-too-few`.
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

/** The soft limit of this process, which its workers inherit. proc(5). */
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
