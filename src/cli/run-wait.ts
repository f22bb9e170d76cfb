import { setTimeout as delay } from "node:timers/promises";
import { errorCodeOf } from "#model/error-code.ts";
import { DirectorError } from "#model/failure.ts";
import { askAdmin } from "./admin-client.ts";
import type { WaitRequest } from "./commands/wait.ts";
import type { Terminal } from "./terminal.ts";

const INTERVAL_MS = 100;
const PROBE_DEADLINE_MS = 2_000;

/**
 * Resolves when the director is ready. Rejects with the last failure at the timeout, and immediately if the process `pid` has
 * ended or the user has no permission to open the socket.
 */
export async function runWait(request: WaitRequest, terminal: Terminal): Promise<void> {
  const { socketPath, timeoutMs, pid, isJson } = request;
  const expiresAtMs = performance.now() + timeoutMs;
  for (;;) {
    // Checked before the probe. If the process had ended by then, this probe is the last one.
    const hasEnded = pid !== undefined && !isAlive(pid);
    const failure = await tryProbe(socketPath);
    if (failure === undefined) break;
    if (hasEnded) {
      throw new DirectorError(
        "director-unreachable",
        `Process ${pid} has ended. Its log says why.`,
      );
    }
    if (failure.code === "permission-denied") throw failure;
    if (performance.now() >= expiresAtMs) {
      const detail = failure.detail === undefined ? "" : ` ${failure.detail}`;
      throw new DirectorError(
        failure.code,
        `The director was not ready within ${timeoutMs / 1_000} s.${detail}`,
      );
    }
    await delay(INTERVAL_MS);
  }
  terminal.out(
    isJson ? `${JSON.stringify({ status: "ready" }, undefined, 2)}\n` : "The director is ready.\n",
  );
}

/** Resolves to undefined if the director is ready, otherwise to its failure. */
async function tryProbe(socketPath: string): Promise<DirectorError | undefined> {
  const question = { method: "GET", path: "/readyz", deadlineMs: PROBE_DEADLINE_MS } as const;
  try {
    await askAdmin(socketPath, question);
    return undefined;
  } catch (error) {
    if (error instanceof DirectorError) return error;
    throw error;
  }
}

/** Returns true also for a process of another user. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errorCodeOf(error) !== "ESRCH";
  }
}
