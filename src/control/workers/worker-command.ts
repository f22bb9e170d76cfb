import type { DirectorSettings } from "#model/document/document.ts";
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

/** A folder that no worker can write to. The runtime flags keep the runtime from reading settings there. */
const WORKER_CWD = "/";

/** What a worker may see of the environment. Node keeps compiled code in a folder for each user below NODE_COMPILE_CACHE. */
const ALLOWED_ENV = ["TZ", "NODE_COMPILE_CACHE"] as const;

/**
 * `sh` sets the core file limit to 0 and the confinement drops the privileges. Each replaces itself with the next by exec, so
 * that pid and channel are those of the engine.
 */
export function buildWorkerCommand(options: {
  readonly engine: EngineBinary;
  /** The workers' main.ts. */
  readonly entry: string;
  /** Returns the command before the engine, which depends on the workers' user. Called at each start. */
  readonly prefix: () => readonly string[];
  /** Arguments by which a later director recognises the worker. */
  readonly directorArguments: readonly string[];
  /** The drain deadline of a worker whose control process has ended. */
  readonly drainMs: number;
  readonly orphanGraceMs: number;
  readonly wire: DirectorSettings["wire"];
  /** The environment of the control process. */
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
      // Turns off Bun's cache of compiled files, which would be in the home folder.
      BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0",
      ...Object.fromEntries(
        ALLOWED_ENV.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
      ),
    },
    cwd: WORKER_CWD,
    cgroup,
  };
}
