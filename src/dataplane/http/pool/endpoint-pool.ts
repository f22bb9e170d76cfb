import { KeptTime } from "./kept-time.ts";

/** An idle connection to an endpoint. */
export interface IdleConnection {
  idleSinceMs: number;
  /** How long it was idle before the use that has just ended, or -1 if that was the first. */
  readonly idleBeforeMs: number;
  idleUntilMs: number;
  close(): void;
}

/** The pool is not used for an endpoint that closes its idle connections sooner than this. */
const MIN_IDLE_MS = 20;

/**
 * The idle connections to one endpoint with one set of TLS and PROXY settings. The one that was used last is given out first, so that
 * the others age and close when the load falls.
 */
export class EndpointPool<Connection extends IdleConnection = IdleConnection> {
  /** The oldest first. */
  readonly #idle: Connection[] = [];
  readonly #kept = new KeptTime();
  #isRetired = false;

  get size(): number {
    return this.#idle.length;
  }

  /**
   * Returns the connection that was used last, or undefined if none is fresh enough. A request that cannot be sent again needs one that
   * the endpoint will surely not close meanwhile.
   */
  take(nowMs: number, mayRepeat = true): Connection | undefined {
    const session = this.#idle.at(-1);
    if (session === undefined) return undefined;
    if (nowMs >= session.idleUntilMs) {
      // All others are idle for longer.
      this.closeAll();
      return undefined;
    }
    if (!mayRepeat && nowMs - session.idleSinceMs > this.#kept.cautiousMs(nowMs)) return undefined;
    this.#idle.pop();
    return session;
  }

  /**
   * Keeps the connection for at most `idleMs`. Returns false, and does not keep it, if the endpoint would probably close it before its
   * next use, if `most` are kept already, or if the pool is retired.
   */
  put(connection: Connection, nowMs: number, idleMs: number, most: number): boolean {
    if (connection.idleBeforeMs >= 0) this.#kept.servedAfter(connection.idleBeforeMs);
    const keepMs = Math.min(idleMs, this.#kept.safeMs(nowMs));
    if (this.#isRetired || keepMs < MIN_IDLE_MS || this.#idle.length >= most) return false;
    connection.idleSinceMs = nowMs;
    connection.idleUntilMs = nowMs + keepMs;
    this.#idle.push(connection);
    return true;
  }

  /** To be called when an idle connection has closed, or must not be used any more. */
  remove(connection: Connection): void {
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** To be called when the endpoint has closed an idle connection, so that others are not used when they are as old. */
  learnFrom(connection: Connection, nowMs: number): void {
    this.#kept.closedAfter(nowMs - connection.idleSinceMs, nowMs);
  }

  /** Closes the connections that are too old. */
  closeAged(nowMs: number): void {
    let [oldest] = this.#idle;
    while (oldest !== undefined && oldest.idleUntilMs <= nowMs) {
      this.#idle.shift();
      oldest.close();
      [oldest] = this.#idle;
    }
  }

  /** The time since which the oldest connection is idle. Infinity if none is. */
  get oldestSinceMs(): number {
    return this.#idle[0]?.idleSinceMs ?? Number.POSITIVE_INFINITY;
  }

  closeOldest(): void {
    this.#idle.shift()?.close();
  }

  closeAll(): void {
    for (const connection of this.#idle.splice(0)) connection.close();
  }

  /** Closes the idle connections and keeps no more. Connections in use can still refer to the pool. */
  retire(): void {
    this.#isRetired = true;
    this.closeAll();
  }
}
