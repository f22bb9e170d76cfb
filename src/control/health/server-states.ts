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
  /** Undefined if the server is up, or if it is unknown because nothing checks it. */
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
  /** Why it is not known whether the endpoint is up. */
  readonly untried: string | undefined;
}

/** What is kept of a state. The rest follows from the checks and totals. */
type Turn = Omit<ServerState, "reason">;

/**
 * The state of each server. Active checks say whether it is up, degraded or down. If they find nothing wrong, or if nothing is
 * checked, the workers' attempts to connect for clients say whether it is failing.
 */
export class ServerStates {
  readonly #options: ServerStatesOptions;
  readonly #checks = new Map<string, Map<string, Check>>();
  readonly #states = new Map<string, Turn>();
  /** The last failure of a check of each server. */
  readonly #errors = new Map<string, ServerError>();
  readonly #nowMs: () => number;
  readonly #startedMs: number;

  constructor(options: ServerStatesOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#startedMs = this.#nowMs();
  }

  of(server: string): ServerState {
    const state = this.#turnOf(server);
    const totals = this.#options.totalsOf(server);
    return {
      ...state,
      reason: judge(this.#checksOf(server), totals).reason,
      lastError: newestOf(this.#errors.get(server), totals) ?? state.lastError,
    };
  }

  /** Takes the result of a check. A server changes its state once, after all listeners that use the check. */
  checked({ endpoint, isUp, failure, text, untried, uses, left }: EndpointChecked): void {
    // A server can have many endpoints, and each run that fails comes here.
    const changed = new Set<string>();
    for (const { listener, server } of left) {
      const checks = this.#checks.get(server);
      checks?.delete(checkKeyOf(listener, endpoint));
      if (checks?.size === 0) this.#checks.delete(server);
      changed.add(server);
    }
    for (const { listener, server } of uses) {
      const checks = this.#checks.get(server) ?? new Map<string, Check>();
      const key = checkKeyOf(listener, endpoint);
      const before = checks.get(key);
      const error: ServerError | undefined = failure && {
        ...{ cause: failure, text: text ?? CHECK_FAILURES[failure] },
        ...{ vnic: vnicOfListener(listener), endpoint, atMs: this.#nowMs() },
      };
      if (error !== undefined) this.#errors.set(server, error);
      checks.set(key, { listener, endpoint, isUp, error: error ?? before?.error, untried });
      this.#checks.set(server, checks);
      if (before?.isUp !== isUp || before.untried !== untried) changed.add(server);
    }
    for (const server of changed) this.update(server);
  }

  /** Must be called for each server that `ServerTotals.add` returns. */
  update(server: string): void {
    const totals = this.#options.totalsOf(server);
    const { oper, reason } = judge(this.#checksOf(server), totals);
    const before = this.#turnOf(server);
    const state: Turn = {
      oper,
      sinceMs: before.oper === oper ? before.sinceMs : this.#nowMs(),
      lastError: newestOf(this.#errors.get(server), totals) ?? before.lastError,
    };
    this.#states.set(server, state);
    const isNews = (one: ServerOper): boolean => one !== "unknown" && one !== "up";
    const hasChanged = before.oper !== oper && (isNews(before.oper) || isNews(oper));
    if (hasChanged) this.#options.onChange(server, { ...state, reason });
  }

  /** Must be called when the document has changed and totals have been forgotten. Forgets servers that are not in `servers`. */
  follow(servers: ReadonlySet<string>): void {
    for (const server of new Set([...servers, ...this.#states.keys()])) this.update(server);
    for (const server of this.#states.keys()) {
      if (servers.has(server)) continue;
      this.#states.delete(server);
      this.#errors.delete(server);
    }
  }

  #checksOf(server: string): readonly Check[] {
    return [...(this.#checks.get(server)?.values() ?? [])];
  }

  #turnOf(server: string): Turn {
    const unknown = { oper: "unknown", sinceMs: this.#startedMs, lastError: undefined } as const;
    return this.#states.get(server) ?? unknown;
  }
}

const checkKeyOf = (listener: ListenerName, endpoint: string): string => `${listener} ${endpoint}`;

const errorOf = ({ vnic, lastFailure }: ServerTotal): ServerError | undefined =>
  lastFailure && { ...lastFailure, vnic, text: CHECK_FAILURES[lastFailure.cause] };

const newestOf = (
  ofChecks: ServerError | undefined,
  totals: readonly ServerTotal[],
): ServerError | undefined =>
  [ofChecks, ...totals.map(errorOf)]
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
  const unknown = checks.filter(({ isUp, untried }) => isUp && untried !== undefined);
  const reason = reasonOf([
    ...down.map(checkReasonOf),
    ...failing.map(failingReasonOf),
    ...unknown.map(checkReasonOf),
  ]);
  if (down.length > 0) return { oper: down.length === checks.length ? "down" : "degraded", reason };
  if (failing.length > 0) return { oper: "failing", reason };
  return { oper: checks.length > unknown.length ? "up" : "unknown", reason };
}

/** Returns the first reason and how many there are besides. */
function reasonOf([first, ...others]: readonly string[]): string | undefined {
  return first === undefined || others.length === 0
    ? first
    : `${first} (and ${others.length} more)`;
}

const checkReasonOf = ({ listener, endpoint, error, untried }: Check): string =>
  `${vnicOfListener(listener)}: ${endpoint}: ${untried ?? error?.text ?? "It was down before, and its checks have not succeeded since."}`;

const failingReasonOf = (total: ServerTotal): string =>
  `${total.vnic}: ${errorOf(total)?.text ?? "Attempts to connect fail."}`;
