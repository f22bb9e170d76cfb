import { isDeepStrictEqual } from "node:util";
import type { Document } from "#model/document/document.ts";
import type { Failback, Profile } from "#model/document/profile.ts";
import { DirectorError } from "#model/failure.ts";
import { profileOfVnic, vnicOfListener, type ListenerName } from "#model/names.ts";
import { CHECK_FAILURES } from "#model/records/outcome.ts";
import type { Snapshot } from "#model/records/snapshot.ts";
import type { DirectorEvent, EndpointChecked, StandbySwitch } from "#control/director-event.ts";
import type { StandbyRecords } from "#control/state/standby-store.ts";
import { coverageOf, needOf, type Coverage, type ProfileNeed } from "./profile-need.ts";
import {
  firstState,
  givenBack,
  nextState,
  turnOf,
  type Seen,
  type StandbyState,
} from "./standby-state.ts";

export interface StandbyOptions {
  /** Called with the names of all profiles that are on standby when checks, time or an operator have changed them. */
  readonly onSwitch: (profiles: readonly string[]) => void;
  readonly publish: (event: DirectorEvent) => void;
  readonly save: (records: StandbyRecords) => void;
  /** Milliseconds since the epoch. It must not go back. */
  readonly nowMs?: () => number;
}

/** A profile that has standby servers. */
interface Watched {
  readonly servers: readonly string[];
  readonly failback: Failback;
  readonly coverage: Coverage;
  readonly state: StandbyState;
}

type Cause = StandbySwitch["cause"];

/** So long it is remembered that an endpoint was down, although nothing checks it. */
const REMEMBER_MS = 10 * 60_000;
const MAX_REMEMBERED = 10_000;

/** `performance` keeps its pace when the time of the system is set. */
const steadyNowMs = (): number => performance.timeOrigin + performance.now();

/**
 * Decides for each profile whether its servers or its standby servers serve. It decides at once when a check turns an endpoint up
 * or down, and when a document is committed. No worker decides this on its own, so that all of them use the same servers.
 */
export class Standby {
  readonly #options: StandbyOptions;
  readonly #nowMs: () => number;
  #profiles = new Map<string, Watched>();
  /** The endpoints that checks find down, and why, by listener and endpoint. */
  readonly #down = new Map<string, string | undefined>();
  /** Endpoints that were down when their check ended or the director stopped, and until when they are presumed down. */
  readonly #presumed = new Map<string, number>();
  #restored: StandbyRecords = new Map();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: StandbyOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? steadyNowMs;
  }

  /** Takes what was saved before the director started. To be called before the first document. */
  restore(records: StandbyRecords): void {
    this.#restored = records;
  }

  /** Decides for the profiles of a document that is about to be served. Returns the names of those that are on standby. */
  commit({ profiles }: Document, { listeners }: Snapshot): readonly string[] {
    this.#forgetPresumed();
    const coverages = coverageOf(listeners);
    const before = this.#profiles;
    this.#profiles = new Map();
    for (const [name, profile] of Object.entries(profiles)) {
      if (profile.standby.length === 0) continue;
      const coverage = coverages.get(name) ?? [];
      this.#profiles.set(name, this.#watched(name, profile, coverage, before.get(name)));
    }
    for (const name of new Set([...before.keys(), ...this.#profiles.keys()])) {
      const cause = this.#restored.has(name) ? "restart" : "change";
      this.#tell(name, before.get(name)?.state, cause);
    }
    this.#restored = new Map();
    this.#settle();
    return this.onStandby();
  }

  /** Takes the result of a check. */
  checked({ listener, endpoint, isUp, failure, text }: Omit<EndpointChecked, "name">): void {
    const key = keyOf(listener, endpoint);
    if (isUp === undefined && this.#down.has(key)) this.#presume(key);
    else this.#presumed.delete(key);
    const why = text ?? (failure && CHECK_FAILURES[failure]);
    if (isUp === false) this.#down.set(key, why ?? this.#down.get(key));
    else this.#down.delete(key);
    const name = profileOfVnic(vnicOfListener(listener));
    const watched = this.#profiles.get(name);
    if (watched !== undefined && isUp !== undefined) this.#turn(name, watched, "checks");
  }

  /** Whether a check that starts must assume that the endpoint is down. Otherwise it assumes that it is up. */
  isPresumedDown(listener: ListenerName, endpoint: string): boolean {
    const key = keyOf(listener, endpoint);
    return this.#down.has(key) || this.#presumed.has(key);
  }

  /** Lets the servers of the profile serve again. Throws DirectorError if they do already, or if they are not up. */
  failBack(name: string): void {
    const watched = this.#profiles.get(name);
    if (watched === undefined || !watched.state.isOnStandby) {
      throw new DirectorError("not-on-standby", `The servers of profile ${name} serve.`);
    }
    const { need, reason } = this.#seen(watched);
    if (need !== "servers") throw new DirectorError("servers-not-up", reason);
    this.#put(name, watched, givenBack(watched.state, this.#nowMs()), "operator");
  }

  /** Returns the names of the profiles that are on standby. */
  onStandby(): readonly string[] {
    return [...this.#profiles].flatMap(([name, { state }]) => (state.isOnStandby ? [name] : []));
  }

  /** Undefined if the profile has no standby servers. */
  stateOf(name: string): StandbyState | undefined {
    return this.#profiles.get(name)?.state;
  }

  /** Ends the decisions. What is in force stays. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #watched(
    name: string,
    profile: Profile,
    coverage: Coverage,
    before: Watched | undefined,
  ): Watched {
    const { failback } = profile;
    const servers = profile.servers.map(({ server }) => server);
    const nowMs = this.#nowMs();
    // With other servers, the history of the former ones says nothing.
    const known = [before, this.#restoredOf(name)].find(
      (one) => one !== undefined && isDeepStrictEqual(one.servers, servers),
    );
    if (known !== undefined && before === undefined) this.#presumeDown(coverage);
    const seen = this.#seen({ failback, coverage });
    const state =
      known === undefined ? firstState(seen, nowMs) : nextState(known.state, seen, "change", nowMs);
    return { servers, failback, coverage, state };
  }

  #restoredOf(name: string): Pick<Watched, "servers" | "state"> | undefined {
    const record = this.#restored.get(name);
    if (record === undefined) return undefined;
    const { servers, sinceMs, reason, turnsMs, isFlapping } = record;
    const turnedMs = this.#nowMs();
    return {
      servers,
      state: { isOnStandby: true, sinceMs, reason, isUp: false, turnedMs, turnsMs, isFlapping },
    };
  }

  /** After a restart, the servers of a profile that is on standby count as down until checks have succeeded. */
  #presumeDown(coverage: Coverage): void {
    for (const { name, servers } of coverage) {
      for (const { endpoint } of servers) this.#presume(keyOf(name, endpoint));
    }
  }

  #seen({ coverage, failback }: Pick<Watched, "coverage" | "failback">): Seen {
    const found = needOf(coverage, (listener, endpoint) => this.isPresumedDown(listener, endpoint));
    return { need: found.need, reason: this.#reasonOf(found), failback };
  }

  #reasonOf({ listener }: ProfileNeed): string | undefined {
    if (listener === undefined) return undefined;
    const { name, servers } = listener;
    if (servers.length === 0) return "No server of the profile may get new connections.";
    const vnic = vnicOfListener(name);
    return servers
      .map(({ server, endpoint }) => {
        const cause = this.#down.get(keyOf(name, endpoint)) ?? "It is down.";
        return `${vnic}: ${server} ${endpoint}: ${cause}`;
      })
      .join(" ");
  }

  #turn(name: string, watched: Watched, cause: "checks" | "time"): void {
    const next = nextState(watched.state, this.#seen(watched), cause, this.#nowMs());
    if (!isDeepStrictEqual(next, watched.state)) this.#put(name, watched, next, cause);
  }

  #put(name: string, watched: Watched, state: StandbyState, cause: Cause): void {
    if (this.#isClosed) return;
    this.#profiles.set(name, { ...watched, state });
    if (state.isOnStandby !== watched.state.isOnStandby) this.#options.onSwitch(this.onStandby());
    this.#tell(name, watched.state, cause);
    this.#settle();
  }

  /** Publishes how the profile is different from what it was. */
  #tell(profile: string, before: StandbyState | undefined, cause: Cause): void {
    const after = this.#profiles.get(profile)?.state;
    const { publish } = this.#options;
    const isOnStandby = after?.isOnStandby ?? false;
    if (isOnStandby !== (before?.isOnStandby ?? false)) {
      const { reason } = after ?? {};
      const name = isOnStandby ? "standby-took-over" : "standby-gave-back";
      publish({ name, profile, cause, reason });
    }
    // What was saved is no news.
    const wasFlapping = cause === "restart" ? after?.isFlapping : before?.isFlapping;
    const isFlapping = after?.isFlapping ?? false;
    if (isFlapping !== (wasFlapping ?? false)) {
      publish({ name: isFlapping ? "flapping-began" : "flapping-ended", profile });
    }
  }

  #settle(): void {
    this.#options.save(this.#records());
    this.#setTimer();
  }

  #records(): StandbyRecords {
    return new Map(
      [...this.#profiles].flatMap(([name, { servers, state }]) => {
        const { isOnStandby, sinceMs, reason, turnsMs, isFlapping } = state;
        if (!isOnStandby) return [];
        const why = reason === undefined ? {} : { reason };
        return [
          [name, { servers: [...servers], sinceMs, ...why, turnsMs: [...turnsMs], isFlapping }],
        ] as const;
      }),
    );
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    const turns = [...this.#profiles.values()].flatMap(({ state }) => turnOf(state) ?? []);
    if (turns.length === 0) return;
    const waitMs = Math.max(0, Math.min(...turns) - this.#nowMs());
    this.#timer = setTimeout(() => this.#passTime(), Math.ceil(waitMs));
  }

  #passTime(): void {
    for (const [name, watched] of this.#profiles) {
      if (turnOf(watched.state) !== undefined) this.#turn(name, watched, "time");
    }
    this.#setTimer();
  }

  #presume(key: string): void {
    if (this.#presumed.size < MAX_REMEMBERED) {
      this.#presumed.set(key, this.#nowMs() + REMEMBER_MS);
    }
  }

  #forgetPresumed(): void {
    const nowMs = this.#nowMs();
    for (const [key, untilMs] of this.#presumed) if (untilMs <= nowMs) this.#presumed.delete(key);
  }
}

const keyOf = (listener: ListenerName, endpoint: string): string => `${listener} ${endpoint}`;
