import type { Deadlined, Deadlines } from "../../live/deadlines.ts";
import { EndpointPool, type IdleConnection } from "./endpoint-pool.ts";

const SWEEP_MS = 500;

/**
 * The pools of a worker. They outlive snapshots. A pool has a scope, which names everything that a connection depends on besides the
 * endpoint, so that a changed setting leads to another pool.
 */
export class EndpointPools<
  Connection extends IdleConnection = IdleConnection,
> implements Deadlined {
  deadlineAtMs = Number.POSITIVE_INFINITY;
  deadlinePlace = -1;
  readonly #deadlines: Deadlines;
  readonly #scopes = new Map<string, Map<string, EndpointPool<Connection>>>();

  constructor(deadlines: Deadlines) {
    this.#deadlines = deadlines;
  }

  /** `scope` names the settings of a connection, `key` the endpoint. */
  of(scope: string, key: string): EndpointPool<Connection> {
    let pools = this.#scopes.get(scope);
    if (pools === undefined) {
      pools = new Map();
      this.#scopes.set(scope, pools);
    }
    let pool = pools.get(key);
    if (pool === undefined) {
      pool = new EndpointPool();
      pools.set(key, pool);
    }
    return pool;
  }

  *#all(): Iterable<EndpointPool<Connection>> {
    for (const pools of this.#scopes.values()) yield* pools.values();
  }

  /** To be called when a connection was put into one of the pools. */
  watch(): void {
    if (this.deadlineAtMs !== Number.POSITIVE_INFINITY) return;
    this.deadlineAtMs = this.#deadlines.in(SWEEP_MS);
    this.#deadlines.add(this);
  }

  onDeadline(): void {
    const { nowMs } = this.#deadlines;
    let idle = 0;
    for (const pool of this.#all()) {
      pool.closeAged(nowMs);
      idle += pool.size;
    }
    if (idle > 0) {
      this.deadlineAtMs = this.#deadlines.in(SWEEP_MS);
      return;
    }
    this.deadlineAtMs = Number.POSITIVE_INFINITY;
    this.#deadlines.remove(this);
  }

  /** Number of idle connections. */
  get idleCount(): number {
    let count = 0;
    for (const pool of this.#all()) count += pool.size;
    return count;
  }

  /** Closes the connection that has been idle longest, to make room for another one. Returns false if none is idle. */
  tryCloseOldest(): boolean {
    let oldest: EndpointPool<Connection> | undefined;
    for (const pool of this.#all()) {
      if (pool.oldestSinceMs < (oldest?.oldestSinceMs ?? Number.POSITIVE_INFINITY)) oldest = pool;
    }
    oldest?.closeOldest();
    return oldest !== undefined;
  }

  /**
   * Closes the idle connections with other settings and those to other endpoints, and forgets their pools. To be called when the rules
   * have changed.
   */
  keepOnly(scopes: ReadonlySet<string>, endpoints: ReadonlySet<string>): void {
    for (const [scope, pools] of this.#scopes) {
      for (const [key, pool] of pools) {
        if (scopes.has(scope) && endpoints.has(key)) continue;
        pool.retire();
        pools.delete(key);
      }
      if (pools.size === 0) this.#scopes.delete(scope);
    }
  }
}
