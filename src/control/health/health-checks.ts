import { isDeepStrictEqual } from "node:util";
import type { Document } from "#model/document/document.ts";
import { vnicOfListener, type ListenerName } from "#model/names.ts";
import { endpointsOf } from "#model/records/mode-records.ts";
import {
  checkedKeyOf,
  endpointKeyOf,
  type Snapshot,
  type SnapshotEndpoint,
  type SnapshotListener,
} from "#model/records/snapshot.ts";
import type { Sources } from "../certificates/sources.ts";
import { addressRuleOf, type AddressRule } from "#control/check-new-endpoints.ts";
import type { DownEndpoint, EndpointChecked } from "#control/director-event.ts";
import { settingsByListener, type CheckSettings } from "./check-settings.ts";
import { DirectorDoubt } from "./director-doubt.ts";
import { EndpointCheck } from "./endpoint-check.ts";
import { CheckContexts } from "./check-contexts.ts";
import type { CheckResult, Untried } from "./check-result.ts";
import { CheckSlots } from "./check-slots.ts";
import { runCheck } from "./run-check.ts";

/** The event of the notice that the director doubts itself. */
export const HEALTH_DOUBTED = "health-doubted";

const MAX_AT_ONCE = 2_048;
const MIN_AT_ONCE = 64;

/** Returns how many checks may run at once. They leave most of the open files to the rest of the control process. */
export const checksAtOnce = (openFileLimit: number): number =>
  Math.min(Math.max(Math.floor(openFileLimit / 4), MIN_AT_ONCE), MAX_AT_ONCE);

export interface HealthChecksOptions {
  /** Called with the keys of all endpoints that are down, as `checkedKeyOf` returns them, whenever they change. */
  readonly onDown: (down: readonly string[]) => void;
  /**
   * Called for each listener of an endpoint when it begins to use a check, when the state of the endpoint changes, and with undefined
   * when the listener does not use the check any more.
   */
  readonly onEndpoint: (checked: Omit<EndpointChecked, "name">) => void;
  /**
   * Called for each listener of an endpoint when a run has failed, and when it begins or ceases to be unknown whether the endpoint is up.
   * The state of the endpoint is the one that `onEndpoint` was called with.
   */
  readonly onRun?: (checked: Omit<EndpointChecked, "name">) => void;
  /** Whether the endpoint of a check that starts counts as down until its checks succeed. By default it counts as up. */
  readonly isPresumedDown?: (listener: ListenerName, endpoint: string) => boolean;
  /** Called when the director begins to doubt itself, with a sentence, and with undefined when it does not any more. */
  readonly onDoubt: (text: string | undefined) => void;
  /** Called with an unexpected exception. The checks continue. */
  readonly onFault: (error: unknown) => void;
  /** How many checks may run at once. Each needs an open file. */
  readonly maxAtOnce?: number;
  readonly run?: typeof runCheck;
}

/** A check and the listeners that use its result. */
interface Running {
  readonly endpoint: string;
  readonly check: EndpointCheck;
  /** `untried` of the check after its last run. */
  untried: string | undefined;
  /** The server of the endpoint in the profile of each listener. */
  readonly servers: Map<ListenerName, string>;
}

/** A use of a check by a listener. */
interface Use {
  readonly listener: ListenerName;
  readonly endpoint: SnapshotEndpoint;
}

/**
 * The active health checks of every listener that is checked. An endpoint that several listeners check with equal settings is
 * checked once. If their settings differ, the endpoint can be down for one listener and up for another.
 */
export class HealthChecks {
  readonly #options: HealthChecksOptions;
  /** By `checkedKeyOf`. */
  readonly #running = new Map<string, Running>();
  /** The name of the settings of each listener that has a check. */
  #checks: ReadonlyMap<ListenerName, string> = new Map();
  #down: readonly string[] = [];
  readonly #doubt = new DirectorDoubt();
  #isDoubting = false;
  readonly #contexts = new CheckContexts();
  readonly #slots: CheckSlots;
  #rule: AddressRule = () => undefined;

  constructor(options: HealthChecksOptions) {
    this.#options = options;
    this.#slots = new CheckSlots(options.maxAtOnce ?? MIN_AT_ONCE);
  }

  /** Whether so many checks fail at once that no endpoint is taken for down. */
  get isDoubting(): boolean {
    return this.#isDoubting;
  }

  /** Whether the check of the listener finds the endpoint down. Returns false if the listener has no check. */
  isDown(listener: ListenerName, endpointKey: string): boolean {
    const check = this.#checks.get(listener);
    if (check === undefined) return false;
    return this.#running.get(checkedKeyOf(check, endpointKey))?.check.isUp === false;
  }

  /** Returns the endpoints that are down, with the names of their servers and of the vNICs whose checks fail. */
  downEndpoints(): readonly DownEndpoint[] {
    const vnics = new Map<string, Set<string>>();
    const pairs = new Map<string, { readonly server: string; readonly endpoint: string }>();
    for (const { endpoint, check, servers } of this.#running.values()) {
      if (check.isUp) continue;
      for (const [listener, server] of servers) {
        const pair = `${server} ${endpoint}`;
        pairs.set(pair, { server, endpoint });
        vnics.set(pair, (vnics.get(pair) ?? new Set()).add(vnicOfListener(listener)));
      }
    }
    return [...pairs].map(([pair, one]) => ({
      ...one,
      vnics: [...(vnics.get(pair) ?? [])].toSorted(),
    }));
  }

  /** Starts and ends checks. A check that is in both the old and the new state keeps its results. */
  follow(document: Document, snapshot: Snapshot, sources: Sources): void {
    this.#contexts.follow(sources);
    this.#rule = addressRuleOf(document);
    const settingsOf = settingsByListener(document);
    this.#checks = new Map(snapshot.listeners.flatMap(checkOf));
    const wanted = new Map<string, Use[]>();
    for (const listener of snapshot.listeners) {
      const [[, check] = []] = checkOf(listener);
      const settings = settingsOf.get(listener.name);
      if (check === undefined || settings === undefined) continue;
      for (const endpoint of endpointsOf(listener) ?? []) {
        const key = checkedKeyOf(check, endpointKeyOf(endpoint));
        const uses = wanted.get(key) ?? [];
        uses.push({ listener: listener.name, endpoint });
        wanted.set(key, uses);
        if (!this.#running.has(key)) this.#start(key, listener.name, endpoint, settings);
      }
    }
    for (const [key, running] of this.#running) this.#use(key, running, wanted.get(key) ?? []);
    this.#endDoubt();
    this.#tellDown();
  }

  close(): void {
    for (const { check } of this.#running.values()) check.close();
    this.#running.clear();
  }

  #start(
    key: string,
    listener: ListenerName,
    target: SnapshotEndpoint,
    settings: CheckSettings,
  ): void {
    const { run = runCheck, onFault } = this.#options;
    const check = new EndpointCheck({
      settings,
      startsUp: this.#options.isPresumedDown?.(listener, endpointKeyOf(target)) !== true,
      run: () => this.#slots.use(() => run(target, settings, this.#contexts, this.#rule)),
      onRun: (one, result) => {
        this.#doubt.note(one);
        this.#endDoubt();
        this.#ran(running, result);
      },
      mayTurnDown: (one) => !one.hasSucceeded || !this.#isInDoubt(),
      onTurn: () => this.#turned(running),
      onFault,
    });
    const endpoint = endpointKeyOf(target);
    const running: Running = { endpoint, check, untried: undefined, servers: new Map() };
    this.#running.set(key, running);
    this.#doubt.note(check);
  }

  /** Tells the listeners that begin or cease to use the check, and ends it if none uses it. */
  #use(key: string, running: Running, uses: readonly Use[]): void {
    const { servers } = running;
    const before = new Map(servers);
    servers.clear();
    for (const { listener, endpoint } of uses) servers.set(listener, endpoint.server);
    for (const [listener, server] of before) {
      if (servers.get(listener) !== server) this.#tell(running, listener, server, undefined);
    }
    for (const [listener, server] of servers) {
      if (before.get(listener) !== server) {
        this.#tell(running, listener, server, running.check.isUp);
      }
    }
    if (servers.size > 0) return;
    running.check.close();
    this.#doubt.forget(running.check);
    this.#running.delete(key);
  }

  #turned(running: Running): void {
    const { check, servers } = running;
    if (check.isUp) this.#doubt.note(check);
    else this.#doubt.noteFall(check);
    for (const [listener, server] of servers) this.#tell(running, listener, server, check.isUp);
    this.#tellDown();
  }

  #ran(running: Running, result: CheckResult | Untried): void {
    const { endpoint, check, servers } = running;
    const { isUp, untried } = check;
    if (result.isUp !== false && untried === running.untried) return;
    running.untried = untried;
    const why = result.isUp === false ? { failure: result.failure, text: result.text } : {};
    for (const [listener, server] of servers) {
      this.#options.onRun?.({ listener, server, endpoint, isUp, ...untriedOf(check), ...why });
    }
  }

  #tell(
    { endpoint, check }: Running,
    listener: ListenerName,
    server: string,
    isUp: boolean | undefined,
  ): void {
    const { fault } = check;
    const why =
      isUp === false && fault !== undefined ? { failure: fault.failure, text: fault.text } : {};
    this.#options.onEndpoint({ listener, server, endpoint, isUp, ...untriedOf(check), ...why });
  }

  #tellDown(): void {
    const down = [...this.#running]
      .filter(([, { check }]) => !check.isUp)
      .map(([key]) => key)
      .toSorted();
    if (isDeepStrictEqual(down, this.#down)) return;
    this.#down = down;
    this.#options.onDown(down);
  }

  /** Begins to doubt if too many checks fail at once. What has just turned down for the same reason is up again then. */
  #isInDoubt(): boolean {
    if (!this.#doubt.isDue()) return false;
    if (this.#isDoubting) return true;
    const { failing, checks } = this.#doubt.counts();
    this.#isDoubting = true;
    this.#options.onDoubt(
      `${failing} of ${checks} health checks fail at once, so the fault may be with this machine or its network, and the director keeps these endpoints up until at most half of the checks fail.`,
    );
    for (const check of this.#doubt.fallen()) check.restore();
    return true;
  }

  #endDoubt(): void {
    if (!this.#isDoubting || this.#doubt.isDue()) return;
    this.#isDoubting = false;
    this.#options.onDoubt(undefined);
  }
}

const untriedOf = ({ untried }: EndpointCheck): Pick<EndpointChecked, "untried"> =>
  untried === undefined ? {} : { untried };

/** Returns the listener and the name of its check settings, or nothing if it has no check. */
const checkOf = (
  listener: SnapshotListener,
): readonly (readonly [listener: ListenerName, check: string])[] =>
  "check" in listener && listener.check !== undefined ? [[listener.name, listener.check]] : [];
