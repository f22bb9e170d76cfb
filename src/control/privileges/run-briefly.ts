import { spawnSync } from "node:child_process";
import { errorCodeOf } from "#model/error-code.ts";
import { DirectorError } from "#model/failure.ts";

export interface BriefResult {
  /** Null where the program is missing, or was ended at the deadline. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const DEADLINE_MS = 5_000;

/**
 * Runs a small program to its end. Throws DirectorError `system-exhausted` where it cannot be started though it may be there: an
 * answer made up for it would decide on privileges.
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
