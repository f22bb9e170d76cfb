import { isDeepStrictEqual } from "node:util";
import type { Document } from "#model/document/document.ts";
import { vnicOfListener, type ListenerName } from "#model/names.ts";
import { routesOf } from "#model/records/mode-records.ts";
import {
  checkedKeyOf,
  endpointKeyOf,
  type Snapshot,
  type SnapshotEndpoint,
  type SnapshotListener,
} from "#model/records/snapshot.ts";
import type { Sources } from "../certificates/sources.ts";
import { addressRuleOf, type AddressRule } from "#control/check-new-endpoints.ts";
import type { CheckUse, DownEndpoint, EndpointChecked } from "#control/director-event.ts";
import { settingsByListener, type CheckSettings } from "./check-settings.ts";
import { DirectorDoubt } from "./director-doubt.ts";
import { EndpointCheck, type CheckFault } from "./endpoint-check.ts";
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
   * Called when listeners begin or cease to use a check, and when the state of the endpoint changes.
   */
  readonly onEndpoint: (checked: EndpointChecked) => void;
  /**
   * Called when a run has failed, and when it begins or ceases to be unknown whether the endpoint is up. The state of the endpoint
   * is the one that `onEndpoint` was called with.
   */
  readonly onRun?: (checked: EndpointChecked) => void;
  /**
   * Whether the endpoint of a check that starts counts as down until its checks succeed. By default it counts as up, unless the
   * former check of a listener has found it down. `key` is that of `checkedKeyOf`.
   */
  readonly isPresumedDown?: (key: string) => boolean;
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
  readonly key: string;
  readonly endpoint: string;
  readonly check: EndpointCheck;
  /** `untried` of the check after its last run. */
  untried: string | undefined;
  /** The server of the endpoint in the profile of each listener. */
  servers: ReadonlyMap<ListenerName, string>;
}

/** What a document wants to be checked. */
interface Wanted {
  readonly target: SnapshotEndpoint;
  readonly settings: CheckSettings;
  readonly servers: Map<ListenerName, string>;
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
    const wanted = new Map<string, Wanted>();
    for (const listener of snapshot.listeners) {
      const settings = settingsOf.get(listener.name);
      if (settings === undefined) continue;
      for (const { check, endpoints, standby } of routesOf(listener) ?? []) {
        if (check === undefined) continue;
        for (const endpoint of [...endpoints, ...standby]) {
          const key = checkedKeyOf(check, endpointKeyOf(endpoint));
          const one = wanted.get(key) ?? { target: endpoint, settings, servers: new Map() };
          one.servers.set(listener.name, endpoint.server);
          wanted.set(key, one);
        }
      }
    }
    for (const [key, one] of wanted) if (!this.#running.has(key)) this.#start(key, one);
    this.#checks = new Map(snapshot.listeners.flatMap(checkOf));
    for (const running of this.#running.values()) {
      this.#use(running, wanted.get(running.key)?.servers ?? new Map());
    }
    this.#endDoubt();
    this.#tellDown();
  }

  close(): void {
    for (const { check } of this.#running.values()) check.close();
    this.#running.clear();
  }

  /** To be called while `#checks` has the former checks of the listeners. */
  #start(key: string, { target, settings, servers }: Wanted): void {
    const { run = runCheck, onFault, isPresumedDown } = this.#options;
    const endpoint = endpointKeyOf(target);
    const wasDown = [...servers.keys()].some((listener) => this.isDown(listener, endpoint));
    const check = new EndpointCheck({
      settings,
      startsUp: !wasDown && isPresumedDown?.(key) !== true,
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
    const running: Running = { key, endpoint, check, untried: undefined, servers: new Map() };
    this.#running.set(key, running);
    this.#doubt.note(check);
  }

  /** Tells which listeners use the check if they are others than before, and ends it if none does. */
  #use(running: Running, servers: ReadonlyMap<ListenerName, string>): void {
    const before = running.servers;
    running.servers = servers;
    const left = missingIn(servers, before);
    if (left.length > 0 || missingIn(before, servers).length > 0) this.#tell(running, left);
    if (servers.size > 0) return;
    running.check.close();
    this.#doubt.forget(running.check);
    this.#running.delete(running.key);
  }

  #turned(running: Running): void {
    const { check } = running;
    if (check.isUp) this.#doubt.note(check);
    else this.#doubt.noteFall(check);
    this.#tell(running);
    this.#tellDown();
  }

  #ran(running: Running, result: CheckResult | Untried): void {
    const { untried } = running.check;
    if (result.isUp !== false && untried === running.untried) return;
    running.untried = untried;
    this.#options.onRun?.(checkedOf(running, result.isUp === false ? result : undefined));
  }

  #tell(running: Running, left: readonly CheckUse[] = []): void {
    const { isUp, fault } = running.check;
    this.#options.onEndpoint({ ...checkedOf(running, isUp ? undefined : fault), left });
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

/** Returns the event of a check whose uses are the same as before. */
const checkedOf = (
  { key, endpoint, check: { isUp, untried }, servers }: Running,
  fault: CheckFault | undefined,
): EndpointChecked => ({
  ...{ name: "endpoint-checked", key, endpoint, isUp },
  ...(fault === undefined ? {} : { failure: fault.failure, text: fault.text }),
  ...(untried === undefined ? {} : { untried }),
  uses: [...servers].map(([listener, server]) => ({ listener, server })),
  left: [],
});

/** Returns the uses in `some` that are not in `others`. */
const missingIn = (
  others: ReadonlyMap<ListenerName, string>,
  some: ReadonlyMap<ListenerName, string>,
): readonly CheckUse[] =>
  [...some]
    .filter(([listener, server]) => others.get(listener) !== server)
    .map(([listener, server]) => ({ listener, server }));

/** Returns the listener and the name of its check settings, which all of its routes that are checked have, or nothing if none is. */
function checkOf(
  listener: SnapshotListener,
): readonly (readonly [listener: ListenerName, check: string])[] {
  const check = routesOf(listener)?.find((route) => route.check !== undefined)?.check;
  return check === undefined ? [] : [[listener.name, check]];
}
