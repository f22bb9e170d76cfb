import { isDeepStrictEqual } from "node:util";
import type { Document } from "#model/document/document.ts";
import type { Failback, Profile } from "#model/document/profile.ts";
import { DirectorError } from "#model/failure.ts";
import { vnicOfListener, type ListenerName } from "#model/names.ts";
import type { Snapshot } from "#model/records/snapshot.ts";
import type { DirectorEvent, EndpointChecked, StandbySwitch } from "#control/director-event.ts";
import type { StandbyRecords } from "#control/state/standby-store.ts";
import { CheckedEndpoints } from "./checked-endpoints.ts";
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
  readonly #endpoints: CheckedEndpoints;
  /** The profiles with standby servers that each listener leads to. */
  readonly #profilesOf = new Map<ListenerName, string[]>();
  #restored: StandbyRecords = new Map();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: StandbyOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? steadyNowMs;
    this.#endpoints = new CheckedEndpoints(this.#nowMs);
  }

  /** Takes what was saved before the director started. To be called before the first document. */
  restore(records: StandbyRecords): void {
    this.#restored = records;
  }

  /** Decides for the profiles of a document that is about to be served. Returns the names of those that are on standby. */
  commit({ profiles }: Document, { listeners }: Snapshot): readonly string[] {
    this.#endpoints.forget();
    const coverages = coverageOf(listeners);
    const before = this.#profiles;
    this.#profiles = new Map();
    this.#profilesOf.clear();
    for (const [name, profile] of Object.entries(profiles)) {
      if (profile.standby.length === 0) continue;
      const coverage = coverages.get(name) ?? [];
      for (const { name: listener } of coverage) {
        const known = this.#profilesOf.get(listener);
        if (known === undefined) this.#profilesOf.set(listener, [name]);
        else known.push(name);
      }
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

  /** Takes the result of a check, and decides for the profiles that use it. A run that fails like the last one changes nothing. */
  checked(checked: EndpointChecked): void {
    if (!this.#endpoints.checked(checked)) return;
    const profiles = checked.uses.flatMap(({ listener }) => this.#profilesOf.get(listener) ?? []);
    this.#turn(new Set(profiles), "checks");
  }

  /** Whether a check that starts must assume that its endpoint is down. `key` is that of `checkedKeyOf`. */
  isPresumedDown(key: string): boolean {
    return this.#endpoints.isDown(key);
  }

  /** Lets the servers of the profile serve again. Throws DirectorError if they do already, or if they are not up. */
  failBack(name: string): void {
    const watched = this.#profiles.get(name);
    if (watched === undefined || !watched.state.isOnStandby) {
      throw new DirectorError("not-on-standby", `The servers of profile ${name} serve.`);
    }
    const { need, reason } = this.#seen(watched, watched.state.reason);
    if (need !== "servers") throw new DirectorError("servers-not-up", reason);
    this.#put(new Map([[name, givenBack(watched.state, this.#nowMs())]]), "operator");
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
    // With other servers, the history of the former ones says nothing. Their order does not matter.
    const known = [before, this.#restoredOf(name)].find(
      (one) => one !== undefined && isDeepStrictEqual(new Set(one.servers), new Set(servers)),
    );
    if (known?.state.isOnStandby === true) this.#presumeDown(coverage, before === undefined);
    const seen = this.#seen({ failback, coverage }, known?.state.reason);
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

  /**
   * A profile on standby goes back to its servers only if their checks have succeeded. So an endpoint that has not been checked
   * counts as down until then, if its server is down or the director has restarted.
   */
  #presumeDown(coverage: Coverage, hasRestarted: boolean): void {
    const endpoints = this.#endpoints;
    for (const { name, servers } of coverage) {
      for (const { key, server } of servers) {
        if (endpoints.isKnown(key) || !(hasRestarted || endpoints.isServerDown(server))) continue;
        endpoints.presumeDown(key, { listener: name, server });
      }
    }
  }

  #seen(
    { coverage, failback }: Pick<Watched, "coverage" | "failback">,
    lastReason: string | undefined,
  ): Seen {
    const found = needOf(coverage, (key) => this.#endpoints.isDown(key));
    const mayUseStandby = coverage.some(({ standby }) => standby.length > 0);
    return { need: found.need, reason: this.#reasonOf(found, lastReason), failback, mayUseStandby };
  }

  #reasonOf({ listener }: ProfileNeed, lastReason: string | undefined): string | undefined {
    if (listener === undefined) return undefined;
    const { name, servers } = listener;
    if (servers.length === 0) return "No server of the profile may get new connections.";
    const isFound = servers.some(({ key }) => this.#endpoints.whyDown(key) !== undefined);
    if (!isFound && lastReason !== undefined) return lastReason;
    const vnic = vnicOfListener(name);
    return servers
      .map(({ server, endpoint, key }) => {
        const cause = this.#endpoints.whyDown(key) ?? "It is down.";
        return `${vnic}: ${server} ${endpoint}: ${cause}`;
      })
      .join(" ");
  }

  #turn(names: Iterable<string>, cause: "checks" | "time"): void {
    const after = new Map<string, StandbyState>();
    for (const name of names) {
      const watched = this.#profiles.get(name);
      if (watched === undefined) continue;
      const next = nextState(
        watched.state,
        this.#seen(watched, watched.state.reason),
        cause,
        this.#nowMs(),
      );
      if (!isDeepStrictEqual(next, watched.state)) after.set(name, next);
    }
    if (after.size > 0) this.#put(after, cause);
  }

  /** Replaces the states of profiles. Workers switch before anything is published. */
  #put(after: ReadonlyMap<string, StandbyState>, cause: Cause): void {
    if (this.#isClosed) return;
    const before = new Map<string, StandbyState>();
    for (const [name, state] of after) {
      const watched = this.#profiles.get(name);
      if (watched === undefined) continue;
      before.set(name, watched.state);
      this.#profiles.set(name, { ...watched, state });
    }
    const hasSwitched = ([name, { isOnStandby }]: [string, StandbyState]): boolean =>
      isOnStandby !== after.get(name)?.isOnStandby;
    if ([...before].some(hasSwitched)) this.#options.onSwitch(this.onStandby());
    for (const [name, state] of before) this.#tell(name, state, cause);
    // Failures can differ from check to check, and are not worth a write each.
    const hasNews = ([name, state]: [string, StandbyState]): boolean =>
      !isDeepStrictEqual({ ...state, reason: after.get(name)?.reason }, after.get(name));
    if ([...before].some(hasNews)) this.#settle();
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
    const due = [...this.#profiles].filter(([, { state }]) => turnOf(state) !== undefined);
    this.#turn(
      due.map(([name]) => name),
      "time",
    );
    this.#setTimer();
  }
}
