import childProcess from "node:child_process";
import { syncBuiltinESMExports } from "node:module";

/**
 * Loaded into the control process of a director by `node --import`. Loads the program BENCH_WORKER_PRELOAD into each worker, and
 * passes on the environment variables whose names begin with BENCH_. The control process does not need to know about it.
 */
const workerProgram = /\/dataplane\/main\.[jt]s$/;
const ownEnv = Object.entries(process.env).filter(([name]) => name.startsWith("BENCH_"));
const { spawn } = childProcess;

function spawnWithProgram(
  command: string,
  args: readonly string[],
  options: childProcess.SpawnOptions,
): childProcess.ChildProcess {
  const at = args.findIndex((arg) => workerProgram.test(arg));
  if (at < 0) return spawn(command, args, options);
  const flag = args.slice(0, at).some((arg) => arg.endsWith("/bun")) ? "--preload" : "--import";
  return spawn(command, args.toSpliced(at, 0, `${flag}=${process.env["BENCH_WORKER_PRELOAD"]}`), {
    ...options,
    env: { ...options.env, ...Object.fromEntries(ownEnv) },
  });
}

childProcess.spawn = spawnWithProgram as typeof spawn;
syncBuiltinESMExports();
