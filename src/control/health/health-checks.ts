import { isDeepStrictEqual } from "node:util";
import { listenersOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import type { Health } from "#model/document/endpoint-options.ts";
import { vnicOfListener, type ListenerName } from "#model/names.ts";
import { endpointsOf } from "#model/records/mode-records.ts";
import { endpointKeyOf, type Snapshot, type SnapshotEndpoint } from "#model/records/snapshot.ts";
import type { DownEndpoint, EndpointChecked } from "#control/director-event.ts";
import { EndpointCheck } from "./endpoint-check.ts";

export interface HealthChecksOptions {
  /** Called with the keys of all endpoints that are down, whenever they change. */
  readonly onDown: (down: readonly string[]) => void;
  /** Called when a check starts and when the state of its endpoint changes, and with undefined when the check ends. */
  readonly onEndpoint: (checked: Omit<EndpointChecked, "name">) => void;
  /** Called with an unexpected exception. The checks continue. */
  readonly onFault: (error: unknown) => void;
}

interface Running {
  readonly listener: ListenerName;
  readonly server: string;
  readonly endpoint: string;
  readonly health: Health;
  readonly check: EndpointCheck;
}

/**
 * The active health checks of every listener that has `health`. An endpoint that two listeners check is down if either check
 * fails, because workers know the state of an endpoint and not the listener that checked it.
 */
export class HealthChecks {
  readonly #options: HealthChecksOptions;
  readonly #running = new Map<string, Running>();
  #down: readonly string[] = [];

  constructor(options: HealthChecksOptions) {
    this.#options = options;
  }

  /** Keys of the endpoints that are down. */
  get down(): readonly string[] {
    return this.#down;
  }

  /** Returns the endpoints that are down, with the names of their servers and of the vNICs whose checks fail. */
  downEndpoints(): readonly DownEndpoint[] {
    const byKey = Map.groupBy(
      [...this.#running.values()].filter(({ check }) => !check.isUp),
      ({ server, endpoint }) => `${server} ${endpoint}`,
    );
    return [...byKey.values()].flatMap((running) => {
      const [first] = running;
      if (first === undefined) return [];
      const vnics = running.map(({ listener }) => vnicOfListener(listener));
      return [
        { server: first.server, endpoint: first.endpoint, vnics: [...new Set(vnics)].toSorted() },
      ];
    });
  }

  /** Starts and ends checks. A check that is in both the old and the new state keeps its results. */
  follow(document: Document, snapshot: Snapshot): void {
    const healthOf = healthByListener(document);
    const wanted = new Set<string>();
    for (const listener of snapshot.listeners) {
      const health = healthOf.get(listener.name);
      if (health === undefined) continue;
      for (const endpoint of endpointsOf(listener) ?? []) {
        wanted.add(this.#ensure(listener.name, endpoint, health));
      }
    }
    for (const [key, running] of this.#running) if (!wanted.has(key)) this.#end(key, running);
    this.#tellDown();
  }

  close(): void {
    for (const { check } of this.#running.values()) check.close();
    this.#running.clear();
  }

  #ensure(listener: ListenerName, target: SnapshotEndpoint, health: Health): string {
    const endpoint = endpointKeyOf(target);
    const key = `${listener} ${endpoint}`;
    const running = this.#running.get(key);
    if (running !== undefined && isDeepStrictEqual(running.health, health)) return key;
    running?.check.close();
    const { server } = target;
    const check: EndpointCheck = new EndpointCheck(target, health, {
      onTurn: (isUp) => {
        const { failure } = check;
        const why = isUp || failure === undefined ? {} : { failure };
        this.#options.onEndpoint({ listener, server, endpoint, isUp, ...why });
        this.#tellDown();
      },
      onFault: this.#options.onFault,
    });
    this.#running.set(key, { listener, server, endpoint, health, check });
    this.#options.onEndpoint({ listener, server, endpoint, isUp: true });
    return key;
  }

  #end(key: string, { listener, server, endpoint, check }: Running): void {
    check.close();
    this.#running.delete(key);
    this.#options.onEndpoint({ listener, server, endpoint, isUp: undefined });
  }

  #tellDown(): void {
    const keys = [...this.#running.values()].filter(({ check }) => !check.isUp);
    const down = [...new Set(keys.map(({ endpoint }) => endpoint))].toSorted();
    if (isDeepStrictEqual(down, this.#down)) return;
    this.#down = down;
    this.#options.onDown(down);
  }
}

const healthByListener = (document: Document): ReadonlyMap<ListenerName, Health> =>
  new Map(
    listenersOf(document).flatMap(({ name, listener }) =>
      "health" in listener && listener.health !== undefined ? [[name, listener.health]] : [],
    ),
  );
