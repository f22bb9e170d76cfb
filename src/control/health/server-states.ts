import { CHECK_FAILURES, type CheckFailure } from "#model/records/outcome.ts";
import { vnicOfListener, type ListenerName } from "#model/names.ts";
import type { ServerOper } from "#model/records/status.ts";
import type { EndpointChecked } from "#control/director-event.ts";
import type { ServerTotal } from "#control/telemetry/server-totals.ts";

/** So many attempts to connect must fail in a row before a server is failing. */
const FALL = 3;

/** A failure of an active check or of a worker's attempt to connect. */
export interface ServerError {
  readonly cause: CheckFailure;
  /** The cause in a sentence. */
  readonly text: string;
  readonly vnic: string;
  /** Undefined if a worker failed, because it counts by vNIC and server. */
  readonly endpoint?: string;
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
  /** Called when the state of a server has changed, except between unknown and up. */
  readonly onChange: (server: string, state: ServerState) => void;
  readonly nowMs?: () => number;
}

interface Check {
  readonly listener: ListenerName;
  readonly endpoint: string;
  readonly isUp: boolean;
  readonly error: ServerError | undefined;
}

/**
 * The state of each server. Active checks say whether it is up, degraded or down. If they find nothing wrong, or if nothing is
 * checked, the workers' attempts to connect for clients say whether it is failing.
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
        ...{ vnic, endpoint, atMs: this.#nowMs() },
      };
      checks.set(key, { listener, endpoint, isUp, error: error ?? checks.get(key)?.error });
    }
    if (checks.size === 0) this.#checks.delete(server);
    else this.#checks.set(server, checks);
    this.update(server);
  }

  /** Must be called for each server that `ServerTotals.add` returns. */
  update(server: string): void {
    const checks = [...(this.#checks.get(server)?.values() ?? [])];
    const totals = this.#options.totalsOf(server);
    const { oper, reason } = judge(checks, totals);
    const before = this.of(server);
    const state: ServerState = {
      oper,
      sinceMs: before.oper === oper ? before.sinceMs : this.#nowMs(),
      reason,
      lastError: newestOf(checks, totals) ?? before.lastError,
    };
    this.#states.set(server, state);
    const isNews = (one: ServerOper): boolean => one !== "unknown" && one !== "up";
    const hasChanged = before.oper !== oper && (isNews(before.oper) || isNews(oper));
    if (hasChanged) this.#options.onChange(server, state);
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

function judge(
  checks: readonly Check[],
  totals: readonly ServerTotal[],
): Pick<ServerState, "oper" | "reason"> {
  const down = checks.filter(({ isUp }) => !isUp);
  const failing = totals.filter(isFailing);
  const reason = reasonOf([...down.map(checkReasonOf), ...failing.map(failingReasonOf)]);
  if (down.length > 0) return { oper: down.length === checks.length ? "down" : "degraded", reason };
  if (failing.length > 0) return { oper: "failing", reason };
  return { oper: checks.length > 0 ? "up" : "unknown", reason };
}

/** Returns the first reason and how many there are besides. */
function reasonOf([first, ...others]: readonly string[]): string | undefined {
  return first === undefined || others.length === 0
    ? first
    : `${first} (and ${others.length} more)`;
}

const checkReasonOf = ({ listener, endpoint, error }: Check): string =>
  `${vnicOfListener(listener)}: ${endpoint}: ${error?.text ?? "It was down before, and its checks have not succeeded since."}`;

const failingReasonOf = (total: ServerTotal): string =>
  `${total.vnic}: ${errorOf(total)?.text ?? "Attempts to connect fail."}`;
