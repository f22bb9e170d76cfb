import childProcess from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import { fileURLToPath } from "node:url";

/**
 * Loaded into the control process of a director by `node --import`. Starts each worker with the profiler of this folder,
 * which a director itself does not offer. The control process does not need to know about it.
 */
const profiler = fileURLToPath(new URL("./worker-profiler.ts", import.meta.url));
const workerProgram = /\/src\/dataplane\/main\.ts$/;
const { spawn } = childProcess;

function spawnWithProfiler(
  command: string,
  args: readonly string[],
  options: childProcess.SpawnOptions,
): childProcess.ChildProcess {
  const at = args.findIndex((arg) => workerProgram.test(arg));
  if (at < 0) return spawn(command, args, options);
  const flag = args.slice(0, at).some((arg) => arg.endsWith("/bun")) ? "--preload" : "--import";
  const profilePath = process.env["BENCH_PROFILE_PATH"];
  return spawn(command, args.toSpliced(at, 0, `${flag}=${profiler}`), {
    ...options,
    env: { ...options.env, BENCH_PROFILE_PATH: profilePath },
  });
}

childProcess.spawn = spawnWithProfiler as typeof spawn;
syncBuiltinESMExports();
