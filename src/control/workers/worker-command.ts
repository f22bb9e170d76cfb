import type { DirectorSettings } from "#model/document.ts";
import type { EngineBinary } from "./find-engine.ts";

/** How a worker is started. */
export interface WorkerCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** The folder of a control group below which each worker gets one of its own. */
  readonly cgroup?: string | undefined;
}

/** Not the workers' to write to, wherever they run and as whom, and a runtime is told to read no settings there. */
const WORKER_CWD = "/";

/** What a worker may see of the environment. */
const ALLOWED_ENV = ["TZ"] as const;

/**
 * `sh` sets the core file limit to 0, the confinement takes the privileges, and each makes way for the next by exec, so
 * the pid and the channel are the engine's own.
 */
export function buildWorkerCommand(options: {
  readonly engine: EngineBinary;
  /** The workers' main.ts. */
  readonly entry: string;
  /** What stands before the engine, which a worker's user decides; asked at each start. */
  readonly prefix: () => readonly string[];
  /** Tell whose worker it is, to a later director. */
  readonly directorArguments: readonly string[];
  /** What a worker goes by when the control process is gone. */
  readonly drainMs: number;
  readonly orphanGraceMs: number;
  readonly wire: DirectorSettings["wire"];
  /** Of the control process. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cgroup: string | undefined;
}): WorkerCommand {
  const { engine, entry, prefix, drainMs, orphanGraceMs, wire, env, cgroup } = options;
  return {
    file: "/bin/sh",
    get args() {
      return [
        "-c",
        'ulimit -c 0; exec "$0" "$@"',
        ...prefix(),
        engine.file,
        ...engine.flags,
        entry,
        `--drain-ms=${drainMs}`,
        `--orphan-grace-ms=${orphanGraceMs}`,
        `--wire=${wire}`,
        ...options.directorArguments,
      ];
    },
    env: {
      PATH: "/usr/local/bin:/usr/bin:/bin",
      // Bun keeps compiled files in a cache that it would look for in the home folder.
      BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0",
      ...Object.fromEntries(
        ALLOWED_ENV.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
      ),
    },
    cwd: WORKER_CWD,
    cgroup,
  };
}
