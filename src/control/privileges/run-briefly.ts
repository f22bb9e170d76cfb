import { spawnSync } from "node:child_process";
import { errorCodeOf } from "#model/error-code.ts";
import { DirectorError } from "#model/failure.ts";

export interface BriefResult {
  /** Null if the program does not exist or was ended at the deadline. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const DEADLINE_MS = 5_000;

/**
 * Runs a small program to its end. Throws DirectorError `system-exhausted` if the program cannot be started for another reason
 * than that it does not exist. Callers decide on privileges by the result, so it must not be guessed.
 */
export function runBriefly(command: string, args: readonly string[]): BriefResult {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: "utf8",
    timeout: DEADLINE_MS,
    cwd: "/",
  });
  const errno = errorCodeOf(error);
  if (errno !== undefined && errno !== "ENOENT" && errno !== "ETIMEDOUT") {
    throw new DirectorError("system-exhausted", `${command}: ${String(error)}`, { cause: error });
  }
  return { status, stdout: stdout ?? "", stderr: stderr ?? "" };
}
