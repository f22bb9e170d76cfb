import { existsSync, readdirSync, readFileSync } from "node:fs";
import { DirectorError } from "#model/failure.ts";
import { runBriefly } from "#control/privileges/run-briefly.ts";
import type { SystemUser } from "#control/privileges/system-user.ts";
import type { Logger } from "#control/telemetry/log.ts";
import {
  tryProcessFacts,
  tryStatFacts,
  type ProcessFacts,
  type ProcessIdentity,
} from "../process-facts.ts";

const DIRECTOR = "--director=";
const CONTROL = "--control=";

/** Arguments on the command line of each worker: which director started it, by its data folder and pid. */
export const directorArgumentsOf = (dataPath: string, pid: number): readonly string[] => [
  `${DIRECTOR}${dataPath}`,
  `${CONTROL}${pid}`,
];

/** How long they may run after their drain has ended. */
const EXIT_MS = 2_000;

export interface OrphanSearch {
  readonly dataPath: string;
  /** From the record of workers. */
  readonly recorded: readonly ProcessIdentity[];
  /** Whose processes are believed what their command line says: anyone may start a process with such a line. */
  readonly trustedUids: readonly number[];
  /** The user of the workers, and what starts a command as that user: it sees its own processes where others are hidden. */
  readonly workers: { readonly user: SystemUser; readonly prefix: readonly string[] } | undefined;
}

/**
 * Workers that an earlier director on the same data folder has left, as it was killed. They serve on for a while and hold
 * the addresses. They are known by the record of workers, and, as that may be gone with the folder, by their
 * command lines.
 */
export class Orphans {
  readonly #search: OrphanSearch;
  #found: readonly ProcessFacts[];

  /** Throws `data-locked` when the director that started the workers is alive, and only the folder was taken from it. */
  constructor(search: OrphanSearch) {
    this.#search = search;
    this.#found = findOrphans(search);
  }

  /** Those that still live; those that did, if that cannot be seen now. Throws nothing. */
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

  /** Tells them to let their connections end, and kills what hangs: it would keep its share of new ones for ever. */
  dismiss(drainMs: number, log: Logger, cleanup: AsyncDisposableStack): void {
    const orphans = this.#end("SIGTERM");
    if (orphans === 0) return;
    log.warn({ event: "orphans-found", orphans }, "Workers of a killed director are told to exit.");
    const timer = setTimeout(() => this.#end("SIGKILL"), drainMs + EXIT_MS);
    cleanup.defer(() => clearTimeout(timer));
  }

  #end(signal: "SIGTERM" | "SIGKILL"): number {
    const alive = this.alive();
    for (const { pid } of alive) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has left by itself.
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
    // A worker that was taken over may start such a pair, but not as the user of the control process.
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

/** With `hidepid`, as ProtectProc= of systemd sets it, a process sees only those of its own user. */
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
