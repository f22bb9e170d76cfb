import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { DirectorError } from "#model/failure.ts";
import type { Engine } from "#model/records/status.ts";
import type { Notice } from "#control/notice.ts";

/** A runtime for workers, with flags that keep it from loading settings and packages by itself. */
export interface EngineBinary {
  readonly engine: Engine;
  readonly file: string;
  readonly flags: readonly string[];
  /** The reason why the preferred engine is not used. */
  readonly notice?: Notice;
}

const BUN_FLAGS = ["--no-env-file", "--config=/dev/null", "--no-install"] as const;
// With the signal enabled, any process of the same user could open a debugger in a worker.
const NODE_FLAGS = ["--disable-sigusr1"] as const;
const BUN_PACKAGES: Readonly<Record<string, string>> = {
  x64: "@oven/bun-linux-x64",
  arm64: "@oven/bun-linux-aarch64",
};
const TRIAL_DEADLINE_MS = 10_000;

/** `auto` is bun if its installed binary runs, otherwise node. Throws `engine-missing`. */
export function findEngine(options: {
  readonly wanted: Engine | "auto";
  /** The Node that runs the control process. */
  readonly nodeFile: string;
  /** `process.arch` */
  readonly arch: string;
  /** Returns the path of a file of a package, or throws. */
  readonly resolve?: (specifier: string) => string;
}): EngineBinary {
  const { wanted, nodeFile, arch, resolve = createRequire(import.meta.filename).resolve } = options;
  const node = { engine: "node", file: nodeFile, flags: NODE_FLAGS } as const;
  if (wanted === "node") return node;
  const file = tryBunFile(arch, resolve);
  if (file === undefined) {
    if (wanted === "bun") throw new DirectorError("engine-missing", "Bun is not installed.");
    return node;
  }
  const obstacle = obstacleTo(file);
  if (obstacle === undefined) return { engine: "bun", file, flags: BUN_FLAGS };
  const sentence = `${file} does not start: ${obstacle}.`;
  if (wanted === "bun") throw new DirectorError("engine-missing", sentence);
  return { ...node, notice: { event: "bun-unusable", text: `Workers run on node. ${sentence}` } };
}

function tryBunFile(arch: string, resolve: (specifier: string) => string): string | undefined {
  const name = BUN_PACKAGES[arch];
  if (name === undefined) return undefined;
  try {
    return join(dirname(resolve(`${name}/package.json`)), "bin", "bun");
  } catch {
    return undefined;
  }
}

/** Returns why the binary does not run, e.g. because the CPU is too old. Returns undefined if it runs. */
function obstacleTo(file: string): string | undefined {
  const { status, signal, error, stderr } = spawnSync(file, ["--version"], {
    encoding: "utf8",
    timeout: TRIAL_DEADLINE_MS,
    env: {},
    cwd: "/",
  });
  if (status === 0) return undefined;
  if (error !== undefined) return error.message;
  if (signal === "SIGILL") return "this processor lacks instructions that it needs (SIGILL)";
  if (signal !== null) return `it was ended by ${signal}`;
  return stderr.trim().split("\n").at(-1) || `exit code ${status}`;
}
