import { setTimeout as delay } from "node:timers/promises";
import { errorCodeOf } from "#model/error-code.ts";
import { DirectorError } from "#model/failure.ts";
import { quoted } from "#model/problem.ts";
import type { OpenConnections } from "#model/records/open-connection.ts";
import { orphansTextOf } from "./orphans-text.ts";
import { askAdmin, pathWith } from "./admin-client.ts";
import type { WaitRequest, WantedState } from "./commands/wait.ts";
import { jsonText } from "./json-text.ts";
import { NAMED_KINDS } from "./named-kind.ts";
import type { Terminal } from "./terminal.ts";

const INTERVAL_MS = 100;
const PROBE_DEADLINE_MS = 2_000;

/**
 * Resolves when the director is ready, or when a vNIC or a server has a state. Rejects with the last failure at the timeout, and
 * immediately if the process `pid` has ended, if the user has no permission to open the socket, or if there is no such vNIC or
 * server.
 */
export async function runWait(request: WaitRequest, terminal: Terminal): Promise<void> {
  const { socketPath, timeoutMs, pid, wanted, isJson } = request;
  const expiresAtMs = performance.now() + timeoutMs;
  for (;;) {
    // Checked before the probe. If the process had ended by then, this probe is the last one.
    const hasEnded = pid !== undefined && !isAlive(pid);
    const failure = await tryProbe(socketPath, wanted);
    if (failure === undefined) break;
    if (hasEnded) {
      throw new DirectorError(
        "director-unreachable",
        `Process ${pid} has ended. Its log says why.`,
      );
    }
    if (failure.code === "permission-denied" || failure.code === "not-found") throw failure;
    if (performance.now() >= expiresAtMs) {
      const detail = failure.detail === undefined ? "" : ` ${failure.detail}`;
      const what = wanted === undefined ? "The director was not ready" : "It was not so";
      throw new DirectorError(failure.code, `${what} within ${timeoutMs / 1_000} s.${detail}`);
    }
    await delay(INTERVAL_MS);
  }
  const { kind, name, state } = wanted ?? { kind: "director", name: undefined, state: "ready" };
  const sentence =
    name === undefined ? "The director is ready." : `The ${kind} ${name} is ${state}.`;
  const facts = name === undefined ? { status: state } : { [kind]: name, state };
  terminal.out(isJson ? jsonText(facts) : `${sentence}\n`);
}

/** Resolves to undefined if the director is ready and what is wanted is so, otherwise to the failure. */
async function tryProbe(
  socketPath: string,
  wanted: WantedState | undefined,
): Promise<DirectorError | undefined> {
  try {
    const ask = (path: string): Promise<unknown> =>
      askAdmin(socketPath, { method: "GET", path, deadlineMs: PROBE_DEADLINE_MS });
    // A director that is not ready may not know its vNICs yet.
    await ask("/readyz");
    if (wanted === undefined) return undefined;
    const list = pathWith(`/v1/${NAMED_KINDS[wanted.kind]}`, { name: wanted.name });
    const found = ((await ask(list)) as readonly ShownState[]).find(
      ({ name }) => name === wanted.name,
    );
    const { kind, name, state } = wanted;
    if (found === undefined) {
      return new DirectorError("not-found", `There is no ${kind} ${quoted(name)}.`);
    }
    const shown = `The ${kind} ${name} is ${found.admin}/${found.oper}`;
    if (state !== "empty") {
      return found.oper === state ? undefined : new DirectorError("wait-expired", `${shown}.`);
    }
    // The figures of a server are up to a second old, so the workers are asked.
    const open = (await ask(
      pathWith("/v1/connections", { server: name, limit: "1" }),
    )) as OpenConnections;
    const { total, silentWorkers, orphans } = open;
    const isEmpty = total === 0 && silentWorkers === 0 && orphans === undefined;
    if (found.admin !== "up" && isEmpty) return undefined;
    const silent = silentWorkers === 0 ? "" : `, and ${silentWorkers} workers did not answer`;
    const unknown = orphans === undefined ? "" : ` ${orphansTextOf(orphans, Date.now())}`;
    return new DirectorError(
      "wait-expired",
      `${shown}. Its open connections: ${total}${silent}.${unknown}`,
    );
  } catch (error) {
    if (error instanceof DirectorError) return error;
    throw error;
  }
}

interface ShownState {
  readonly name: string;
  readonly admin: string;
  readonly oper: string;
}

/** Returns true also for a process of another user. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errorCodeOf(error) !== "ESRCH";
  }
}
