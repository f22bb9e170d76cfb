import { CHECK_FAILURES, type CheckFailure } from "#model/records/outcome.ts";
import { vnicOfListener, type ListenerName } from "#model/names.ts";
import type { ServerOper } from "#model/records/status.ts";
import type { EndpointChecked } from "#control/director-event.ts";
import type { ServerTotal } from "#control/telemetry/server-totals.ts";

/** So many attempts to connect must fail in a row before a server without an active check counts as down. */
const FALL = 3;

/** A failure of an active check or of a worker's attempt to connect. */
export interface ServerError {
  readonly cause: CheckFailure;
  /** The cause in a sentence. */
  readonly text: string;
  readonly vnic: string;
  readonly atMs: number;
}

export interface ServerState {
  readonly oper: ServerOper;
  readonly sinceMs: number;
  /** Undefined if the server is up or unknown. */
  readonly reason: string | undefined;
  readonly lastError: ServerError | undefined;
}

export interface ServerStatesOptions {
  /** Returns what the workers have counted for the server. */
  readonly totalsOf: (server: string) => readonly ServerTotal[];
  /** Called when a server goes down, and when it is not down any more. */
  readonly onChange: (server: string, state: ServerState) => void;
  readonly nowMs?: () => number;
}

interface Check {
  readonly listener: ListenerName;
  readonly isUp: boolean;
  readonly error: ServerError | undefined;
}

/**
 * The state of each server, from the active checks and from the workers' attempts to connect. So a server that is never
 * checked is down, too, when nobody can connect to it.
 */
export class ServerStates {
  readonly #options: ServerStatesOptions;
  readonly #checks = new Map<string, Map<string, Check>>();
  readonly #states = new Map<string, ServerState>();
  readonly #nowMs: () => number;
  readonly #startedMs: number;

  constructor(options: ServerStatesOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#startedMs = this.#nowMs();
  }

  of(server: string): ServerState {
    return (
      this.#states.get(server) ?? {
        ...{ oper: "unknown", sinceMs: this.#startedMs },
        ...{ reason: undefined, lastError: undefined },
      }
    );
  }

  checked({
    server,
    listener,
    endpoint,
    isUp,
    failure,
    text,
  }: Omit<EndpointChecked, "name">): void {
    const checks = this.#checks.get(server) ?? new Map<string, Check>();
    const key = `${listener} ${endpoint}`;
    if (isUp === undefined) checks.delete(key);
    else {
      const vnic = vnicOfListener(listener);
      const error: ServerError | undefined = failure && {
        ...{ cause: failure, text: text ?? CHECK_FAILURES[failure] },
        ...{ vnic, atMs: this.#nowMs() },
      };
      checks.set(key, { listener, isUp, error: error ?? checks.get(key)?.error });
    }
    if (checks.size === 0) this.#checks.delete(server);
    else this.#checks.set(server, checks);
    this.update(server);
  }

  /** Must be called for each server that `ServerTotals.add` returns. */
  update(server: string): void {
    const checks = [...(this.#checks.get(server)?.values() ?? [])];
    const totals = this.#options.totalsOf(server);
    const { oper, error } = operOf(checks, totals);
    const before = this.of(server);
    const state: ServerState = {
      oper,
      sinceMs: before.oper === oper ? before.sinceMs : this.#nowMs(),
      reason: error && `${error.vnic}: ${error.text}`,
      lastError: newestOf(checks, totals) ?? before.lastError,
    };
    this.#states.set(server, state);
    if (before.oper === oper) return;
    if (before.oper === "down" || oper === "down") this.#options.onChange(server, state);
  }

  /** Must be called when the document has changed and totals have been forgotten. Forgets servers that are not in `servers`. */
  follow(servers: ReadonlySet<string>): void {
    for (const server of new Set([...servers, ...this.#states.keys()])) this.update(server);
    for (const server of this.#states.keys()) {
      if (!servers.has(server)) this.#states.delete(server);
    }
  }
}

const errorOf = ({ vnic, lastFailure }: ServerTotal): ServerError | undefined =>
  lastFailure && { ...lastFailure, vnic, text: CHECK_FAILURES[lastFailure.cause] };

const newestOf = (
  checks: readonly Check[],
  totals: readonly ServerTotal[],
): ServerError | undefined =>
  [...checks.map(({ error }) => error), ...totals.map(errorOf)]
    .filter((error) => error !== undefined)
    .toSorted((one, other) => other.atMs - one.atMs)[0];

/** Whether the last attempts of a vNIC to connect to the server have failed. */
export const isFailing = ({ failuresInARow }: ServerTotal): boolean => failuresInARow >= FALL;

function operOf(
  checks: readonly Check[],
  totals: readonly ServerTotal[],
): { readonly oper: ServerOper; readonly error?: ServerError | undefined } {
  const down = checks.filter(({ isUp }) => !isUp);
  const used = totals.filter(({ connects, failures }) => connects + failures > 0);
  const failing = used.filter(isFailing);
  const troubled = used.filter(({ failuresInARow }) => failuresInARow > 0);
  const error =
    down.map((check) => check.error).find((found) => found !== undefined) ??
    [...failing, ...troubled].map(errorOf).find((found) => found !== undefined);
  if (checks.length > 0 && down.length === checks.length) return { oper: "down", error };
  if (down.length > 0) return { oper: "degraded", error };
  if (checks.length > 0) return failing.length > 0 ? { oper: "degraded", error } : { oper: "up" };
  if (used.length === 0) return { oper: "unknown" };
  if (failing.length === used.length) return { oper: "down", error };
  return troubled.length > 0 ? { oper: "degraded", error } : { oper: "up" };
}
