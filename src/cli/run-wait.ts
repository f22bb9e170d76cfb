import { setTimeout as delay } from "node:timers/promises";
import { errorCodeOf } from "#model/error-code.ts";
import { DirectorError } from "#model/failure.ts";
import { quoted } from "#model/problem.ts";
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
  const { kind, name, oper } = wanted ?? { kind: "director", name: undefined, oper: "ready" };
  const sentence =
    name === undefined ? "The director is ready." : `The ${kind} ${name} is ${oper}.`;
  const facts = name === undefined ? { status: oper } : { [kind]: name, oper };
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
    const states = (await ask(list)) as readonly ShownState[];
    return failureOf(states, wanted);
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

function failureOf(
  states: readonly ShownState[],
  { kind, name, oper }: WantedState,
): DirectorError | undefined {
  const found = states.find((state) => state.name === name);
  if (found === undefined)
    return new DirectorError("not-found", `There is no ${kind} ${quoted(name)}.`);
  if (found.oper === oper) return undefined;
  return new DirectorError("wait-expired", `The ${kind} ${name} is ${found.admin}/${found.oper}.`);
}

/** Returns true also for a process of another user. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errorCodeOf(error) !== "ESRCH";
  }
}
