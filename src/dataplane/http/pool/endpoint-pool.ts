/** An idle connection to an endpoint. */
export interface IdleConnection {
  idleSinceMs: number;
  idleUntilMs: number;
  close(): void;
}

/** The pool is not used for an endpoint that closes its idle connections sooner than this. */
const MIN_IDLE_MS = 20;
/** The part of the time for which an endpoint keeps idle connections in which they are used again. */
const SAFE_SHARE = 0.5;
/** After this time without an idle connection that the endpoint closed, it is assumed to keep them twice as long. */
const RECOVERY_MS = 60_000;

/**
 * The idle connections to one endpoint with one set of TLS and PROXY settings. The one that was used last is given out first, so that
 * the others age and close when the load falls.
 */
export class EndpointPool<Connection extends IdleConnection = IdleConnection> {
  /** The oldest first. */
  readonly #idle: Connection[] = [];
  /** How long the endpoint keeps idle connections, as far as those that it has closed show. */
  #keptMs = Number.POSITIVE_INFINITY;
  #recoversAtMs = 0;
  #isRetired = false;

  get size(): number {
    return this.#idle.length;
  }

  /** Returns the connection that was used last, or undefined if none is fresh enough. */
  take(nowMs: number): Connection | undefined {
    const session = this.#idle.pop();
    if (session === undefined || nowMs < session.idleUntilMs) return session;
    // All others are idle for longer.
    session.close();
    this.closeAll();
    return undefined;
  }

  /**
   * Keeps the connection for at most `idleMs`. Returns false, and does not keep it, if the endpoint would probably close it before its
   * next use, if `most` are kept already, or if the pool is retired.
   */
  put(connection: Connection, nowMs: number, idleMs: number, most: number): boolean {
    if (nowMs >= this.#recoversAtMs) this.#recover(nowMs);
    const keepMs = Math.min(idleMs, SAFE_SHARE * this.#keptMs);
    if (this.#isRetired || keepMs < MIN_IDLE_MS || this.#idle.length >= most) return false;
    connection.idleSinceMs = nowMs;
    connection.idleUntilMs = nowMs + keepMs;
    this.#idle.push(connection);
    return true;
  }

  #recover(nowMs: number): void {
    this.#keptMs *= 2;
    this.#recoversAtMs = nowMs + RECOVERY_MS;
  }

  /** To be called when an idle connection has closed, or must not be used any more. */
  remove(connection: Connection): void {
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** To be called when the endpoint has closed an idle connection, so that others are not used when they are as old. */
  learnFrom(connection: Connection, nowMs: number): void {
    this.#keptMs = Math.min(this.#keptMs, nowMs - connection.idleSinceMs);
    this.#recoversAtMs = nowMs + RECOVERY_MS;
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
