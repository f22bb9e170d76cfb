import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { DirectorError } from "#model/failure.ts";
import type { Engine } from "#model/status.ts";

/** A runtime for workers and the flags that keep it from reading files and packages of its own accord. */
export interface EngineBinary {
  readonly engine: Engine;
  readonly file: string;
  readonly flags: readonly string[];
}

const BUN_FLAGS = ["--no-env-file", "--config=/dev/null", "--no-install"] as const;
// With the signal enabled, any process of the same user could open a debugger in a worker.
const NODE_FLAGS = ["--disable-sigusr1"] as const;
const BUN_PACKAGES: Readonly<Record<string, string>> = {
  x64: "@oven/bun-linux-x64",
  arm64: "@oven/bun-linux-aarch64",
};
const TRIAL_DEADLINE_MS = 10_000;

/** `auto` is bun where the project's own binary is there and runs, else node. Throws `engine-missing`. */
export function findEngine(options: {
  readonly wanted: Engine | "auto";
  /** The Node that runs the control process. */
  readonly nodeFile: string;
  /** `process.arch` */
  readonly arch: string;
}): EngineBinary {
  const { wanted, nodeFile, arch } = options;
  if (wanted !== "node") {
    const file = tryBunFile(arch);
    if (file !== undefined) return { engine: "bun", file, flags: BUN_FLAGS };
    if (wanted === "bun") throw new DirectorError("engine-missing", "No bun that runs was found.");
  }
  return { engine: "node", file: nodeFile, flags: NODE_FLAGS };
}

/** The binary may be there and not run: on a CPU that is too old for it, or with another C library. */
function tryBunFile(arch: string): string | undefined {
  const name = BUN_PACKAGES[arch];
  if (name === undefined) return undefined;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    const file = join(dirname(manifest), "bin", "bun");
    const trial = spawnSync(file, ["--version"], { timeout: TRIAL_DEADLINE_MS, env: {}, cwd: "/" });
    return trial.status === 0 ? file : undefined;
  } catch {
    return undefined;
  }
}
