import { Registry } from "prom-client";
import type { ConnectionRecord } from "#model/connection-record.ts";
import type { HandshakeRecord } from "#model/handshake-record.ts";
import type { ListenerName } from "#model/names.ts";
import {
  DirectorMetrics,
  type ChangeOutcome,
  type DirectorFacts,
  type RestartCause,
} from "./director-metrics.ts";
import { ListenerTotals } from "./listener-totals.ts";
import { listenerMetricsText } from "./listener-metrics.ts";
import type { Logger } from "./log.ts";
import { RecentHandshakes } from "./recent-handshakes.ts";
import { RecordLines } from "./record-lines.ts";

export interface TelemetryOptions {
  readonly log: Logger;
  /** Asked at each scrape. */
  readonly snapshotOfDirector: () => DirectorFacts;
  /** Milliseconds since the epoch. */
  readonly nowMs?: () => number;
}

const KEPT_HANDSHAKES = 1_000;

/** What workers count and tell comes in here; metrics, log lines and the recent failed handshakes come out. */
export class Telemetry {
  readonly #registry = new Registry();
  readonly #counters: ListenerTotals;
  readonly #director: DirectorMetrics;
  readonly #recent = new RecentHandshakes(KEPT_HANDSHAKES);
  readonly #lines: RecordLines;

  constructor({ log, snapshotOfDirector, nowMs = Date.now }: TelemetryOptions) {
    this.#lines = new RecordLines(log, nowMs);
    this.#counters = new ListenerTotals({
      listenersInForce: () => snapshotOfDirector().listeners,
      nowMs,
    });
    this.#director = new DirectorMetrics(this.#registry, snapshotOfDirector);
  }

  /** Flat pairs of slot and amount (`SLOTS`), added to what was counted before; gauges replace the worker's last. */
  counted(workerId: number, listeners: Readonly<Record<string, readonly number[]>>): void {
    this.#counters.add(workerId, listeners);
  }

  events(
    handshakes: readonly HandshakeRecord[],
    connections: readonly ConnectionRecord[],
    dropped: number,
  ): void {
    for (const record of handshakes) {
      this.#recent.add(record);
      this.#lines.failedHandshake(record);
    }
    for (const record of connections) this.#lines.connection(record);
    this.#director.eventsDropped(dropped);
  }

  /** The worker has ended; its connections are no longer open. */
  gone(workerId: number): void {
    this.#counters.gone(workerId);
  }

  workerRestarted(cause: RestartCause): void {
    this.#director.workerRestarted(cause);
  }

  internalError(): void {
    this.#director.internalError();
  }

  /** `seconds` from the request for a change to the last worker that serves it. */
  changeEnded(outcome: ChangeOutcome, seconds: number): void {
    this.#director.changeEnded(outcome, seconds);
  }

  /** Of the active health checks; undefined when the endpoint is no longer checked. */
  endpointHealth(listener: ListenerName, endpoint: string, isUp: boolean | undefined): void {
    this.#director.endpointHealth(listener, endpoint, isUp);
  }

  /** Of one listener, or of all of them. */
  openConnections(listener?: ListenerName): number {
    return this.#counters.openConnections(listener);
  }

  /** Failed handshakes, newest first. */
  handshakes(limit: number): readonly HandshakeRecord[] {
    return this.#recent.newest(limit);
  }

  /** Prometheus text format 0.0.4. */
  async metrics(): Promise<Buffer> {
    const director = Buffer.from(`${await this.#registry.metrics()}\n`);
    return Buffer.concat([director, ...(await listenerMetricsText(this.#counters))]);
  }
}
