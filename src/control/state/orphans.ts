import { existsSync, readdirSync, readFileSync } from "node:fs";
import { DirectorError } from "#model/failure.ts";
import type { OrphansStatus } from "#model/records/orphans-status.ts";
import type { EventBus } from "#control/event-bus.ts";
import { runBriefly } from "#control/privileges/run-briefly.ts";
import type { SystemUser } from "#control/privileges/system-user.ts";
import {
  tryProcessFacts,
  tryStatFacts,
  type ProcessFacts,
  type ProcessIdentity,
} from "../process-facts.ts";

const DIRECTOR = "--director=";
const CONTROL = "--control=";

/** Returns the arguments on the command line of each worker that name its director by data folder and pid. */
export const directorArgumentsOf = (dataPath: string, pid: number): readonly string[] => [
  `${DIRECTOR}${dataPath}`,
  `${CONTROL}${pid}`,
];

/** How long orphans may run after their drain has ended. */
const EXIT_MS = 2_000;
/** Each look at the processes of this machine takes a few milliseconds. */
const STATUS_AGE_MS = 1_000;

export interface OrphanSearch {
  readonly dataPath: string;
  /** How long the orphans may let connections end when they are told to drain. */
  readonly drainMs: number;
  /** The processes in the record of workers. */
  readonly recorded: readonly ProcessIdentity[];
  /** Users whose processes count as workers by their command line. Any other user could start a process with such a line. */
  readonly trustedUids: readonly number[];
  /** The user of the workers, and the prefix that runs a command as that user, which can see them if others cannot. */
  readonly workers: { readonly user: SystemUser; readonly prefix: readonly string[] } | undefined;
}

/**
 * Workers of an earlier director on the same data folder that was killed. They continue to serve for a while and use the
 * addresses. They are found by the record of workers and, because the record may have been deleted with its folder, by their
 * command lines.
 */
export class Orphans {
  readonly #search: OrphanSearch;
  #found: readonly ProcessFacts[];
  #lookedAtMs = 0;
  #dismissedAtMs: number | undefined;

  /** Throws `data-locked` if the director that started the workers still runs and only its lock was removed. */
  constructor(search: OrphanSearch) {
    this.#search = search;
    this.#found = findOrphans(search);
  }

  /** Returns the orphans that still run. If that cannot be determined, returns those that ran before. Never throws. */
  alive(): readonly ProcessFacts[] {
    if (this.#found.length === 0) return [];
    try {
      const now = findOrphans(this.#search);
      this.#found = this.#found.filter((one) => now.some((other) => isSame(one, other)));
    } catch {
      return this.#found;
    }
    return this.#found;
  }

  /**
   * Returns undefined if no orphan runs. The connections of orphans are unknown, because orphans have no channel to this
   * director. The number of orphans is up to a second old.
   */
  status(): OrphansStatus | undefined {
    const nowMs = performance.now();
    if (nowMs - this.#lookedAtMs >= STATUS_AGE_MS) {
      this.alive();
      this.#lookedAtMs = performance.now();
    }
    const workers = this.#found.length;
    if (workers === 0) return undefined;
    const untilMs = (this.#dismissedAtMs ?? Date.now()) + this.#search.drainMs + EXIT_MS;
    return { workers, until: new Date(untilMs).toISOString() };
  }

  /** Tells the orphans to drain, and kills those that hang, which would otherwise get a share of new connections for ever. */
  dismiss(bus: EventBus, cleanup: AsyncDisposableStack): void {
    const orphans = this.#end("SIGTERM");
    if (orphans === 0) return;
    this.#dismissedAtMs = Date.now();
    bus.publish({ name: "orphans-found", orphans });
    const timer = setTimeout(() => this.#end("SIGKILL"), this.#search.drainMs + EXIT_MS);
    cleanup.defer(() => clearTimeout(timer));
  }

  #end(signal: "SIGTERM" | "SIGKILL"): number {
    const alive = this.alive();
    for (const { pid } of alive) {
      try {
        process.kill(pid, signal);
      } catch {
        // The process has exited by itself.
      }
    }
    return alive.length;
  }
}

function findOrphans(search: OrphanSearch): readonly ProcessFacts[] {
  const recorded = search.recorded.flatMap((one) => {
    const facts = tryProcessFacts(one.pid);
    return facts !== undefined && isSame(one, facts) ? [facts] : [];
  });
  const found = new Map(recorded.map((facts) => [facts.pid, facts]));
  const marked = [...scanVisible(search), ...scanHidden(search)];
  for (const { facts, controlPid } of marked) {
    if (controlPid === process.pid) continue;
    // A worker that was taken over could start such a pair of processes, but not as the user of the control process.
    if (facts.parentPid === controlPid && tryProcessFacts(controlPid)?.uid === process.getuid?.()) {
      throw new DirectorError(
        "data-locked",
        `Process ${controlPid} runs a director on ${search.dataPath}, whose lock was removed.`,
      );
    }
    found.set(facts.pid, facts);
  }
  return [...found.values()];
}

interface Marked {
  readonly facts: ProcessFacts;
  readonly controlPid: number;
}

function scanVisible({ dataPath, trustedUids }: OrphanSearch): readonly Marked[] {
  return tryProcessIds().flatMap((pid) => {
    const words = tryCommandLine(pid);
    const controlPid = tryControlPid(words);
    if (controlPid === undefined || !words.includes(`${DIRECTOR}${dataPath}`)) return [];
    const facts = tryProcessFacts(pid);
    return facts !== undefined && trustedUids.includes(facts.uid) ? [{ facts, controlPid }] : [];
  });
}

/** If /proc is mounted with `hidepid`, as ProtectProc= of systemd does, a process sees only processes of its own user. */
function scanHidden({ dataPath, workers }: OrphanSearch): readonly Marked[] {
  if (workers === undefined || existsSync("/proc/1")) return [];
  const script =
    'for file in $(grep -lzxF -- "$1" /proc/[0-9]*/cmdline); do ' +
    `tr "\\\\0" "\\\\n" <"$file" | grep -m 1 "^${CONTROL}" && cat "\${file%cmdline}stat"; done`;
  const [command = "", ...args] = [
    ...workers.prefix,
    ...["/bin/sh", "-c", script, "sh", `${DIRECTOR}${dataPath}`],
  ];
  const { stdout } = runBriefly(command, args);
  const { uid, gid } = workers.user;
  const lines = stdout.trim().split("\n");
  return lines.flatMap((line, index) => {
    const controlPid = tryControlPid([line]);
    const facts =
      controlPid === undefined ? undefined : tryStatFacts(lines[index + 1] ?? "", { uid, gid });
    return controlPid === undefined || facts === undefined ? [] : [{ facts, controlPid }];
  });
}

function tryControlPid(words: readonly string[]): number | undefined {
  const word = words.find((candidate) => candidate.startsWith(CONTROL));
  return word === undefined ? undefined : Number(word.slice(CONTROL.length));
}

function tryProcessIds(): readonly number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function tryCommandLine(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

const isSame = (one: ProcessIdentity, other: ProcessIdentity): boolean =>
  one.pid === other.pid && one.startTicks === other.startTicks;
