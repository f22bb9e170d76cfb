import type { CertificateTraffic } from "#model/records/certificate-detail.ts";
import type { CertificateReport } from "#model/records/certificate-report.ts";
import type { HandshakeFilter, HandshakeGroups } from "#model/records/handshake-groups.ts";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import type { HandshakeFailure, HandshakeGrouping } from "#model/records/outcome.ts";
import type { ServerReport } from "#model/records/server-report.ts";
import type { VnicRates } from "#model/records/status.ts";
import { vnicOfListener, type ListenerName, type VnicName } from "#model/names.ts";
import type { StateInForce } from "#control/change/change.ts";
import type { DirectorEvent } from "#control/director-event.ts";
import type { EventBus } from "#control/event-bus.ts";
import { ServerStates, type ServerState } from "#control/health/server-states.ts";
import type { WorkerEvents, WorkerLines, WorkerSink } from "#control/workers/worker-sink.ts";
import { certificateMetricsText, CertificateTotals } from "./certificate-totals.ts";
import { DirectorMetrics, type DirectorFacts } from "./director-metrics.ts";
import { groupHandshakes, testOf } from "./group-handshakes.ts";
import { KeptHandshakes } from "./kept-handshakes.ts";
import { ListenerTotals } from "./listener-totals.ts";
import { listenerMetricsText } from "./listener-metrics.ts";
import { RecentCounts } from "./recent-counts.ts";
import { serverMetricsText } from "./server-metrics.ts";
import { ServerTotals, type ServerTotal } from "./server-totals.ts";
import type { Log } from "./log.ts";
import type { RecordLines } from "./record-lines.ts";

export interface HandshakesQuestion {
  readonly filter?: HandshakeFilter;
  readonly limit: number;
  readonly skip?: number;
}

export interface TelemetryOptions {
  readonly bus: EventBus;
  readonly lines: RecordLines;
  readonly writeLines: Log["writeLines"];
  /** Called at each scrape. */
  readonly snapshotOfDirector: () => DirectorFacts;
  /** Milliseconds since the epoch. */
  readonly nowMs?: () => number;
}

/** Collects events and the counts and records of workers, and provides the metrics and the recent failed handshakes. */
export class Telemetry implements WorkerSink {
  readonly #bus: EventBus;
  readonly #lines: RecordLines;
  readonly #writeLines: Log["writeLines"];
  readonly #counters: ListenerTotals;
  readonly #director: DirectorMetrics;
  readonly #kept = new KeptHandshakes();
  readonly #servers: ServerTotals;
  readonly #certificates: CertificateTotals;
  readonly #serverStates: ServerStates;
  readonly #recent: RecentCounts;

  constructor(options: TelemetryOptions) {
    const { bus, lines, writeLines, snapshotOfDirector, nowMs = Date.now } = options;
    this.#bus = bus;
    this.#lines = lines;
    this.#writeLines = writeLines;
    this.#counters = new ListenerTotals({
      listenersInForce: () => snapshotOfDirector().listeners,
      nowMs,
    });
    this.#recent = new RecentCounts(nowMs);
    this.#certificates = new CertificateTotals(nowMs);
    this.#servers = new ServerTotals({
      pairsInForce: () => snapshotOfDirector().serversInForce,
      nowMs,
    });
    this.#serverStates = new ServerStates({
      totalsOf: (server) => this.#servers.of(server),
      // States also change while an event is being published, and a subscriber must not publish.
      onChange: (server, { oper, reason }) =>
        queueMicrotask(() => bus.publish({ name: "server-state", server, oper, reason })),
      nowMs,
    });
    this.#director = new DirectorMetrics(snapshotOfDirector);
    bus.subscribe((event) => this.#hear(event));
  }

  /** Takes flat pairs of slot and amount (`SLOTS`). Counters are added up. A gauge replaces the worker's last value. */
  counted(workerId: number, listeners: Readonly<Record<string, readonly number[]>>): void {
    this.#counters.add(workerId, listeners);
    for (const [listener, pairs] of Object.entries(listeners)) {
      this.#recent.add(vnicOfListener(listener as ListenerName), pairs);
    }
  }

  servers(workerId: number, reports: readonly ServerReport[]): void {
    for (const server of this.#servers.add(workerId, reports)) this.#serverStates.update(server);
  }

  certificates(reports: readonly CertificateReport[]): void {
    this.#certificates.add(reports);
  }

  /** Publishes each batch of failed handshakes as an event. Access lines are logged directly, without an event. */
  events({ handshakes, connections, dropped }: WorkerEvents): void {
    if (handshakes.length > 0) this.#bus.publish({ name: "handshakes-failed", handshakes });
    for (const record of connections) this.#lines.connection(record);
    this.#director.eventsDropped(dropped);
  }

  lines({ bytes, count, dropped }: WorkerLines): void {
    const isTaken = this.#writeLines(bytes, count);
    this.#director.eventsDropped(dropped + (isTaken ? 0 : count));
  }

  internalError(): void {
    this.#director.internalError();
  }

  /** Returns the number of open connections of one listener, or of all listeners. */
  fullHandshakes(listener: ListenerName): number {
    return this.#counters.fullHandshakes(listener);
  }

  openConnections(listener?: ListenerName): number {
    return this.#counters.openConnections(listener);
  }

  /**
   * Returns the failed handshakes that match, the newest first by the times in the records, because workers report in
   * batches. The first `skip` of them are left out.
   */
  handshakes({ filter = {}, limit, skip = 0 }: HandshakesQuestion): readonly HandshakeRecord[] {
    return Array.from(this.#kept.all())
      .filter(testOf(filter))
      .toSorted((one, other) => other.atMs - one.atMs)
      .slice(skip, skip + limit);
  }

  handshakeGroups(
    by: readonly HandshakeGrouping[],
    filter: HandshakeFilter,
    limit: number,
  ): HandshakeGroups {
    const countOf = (listener: ListenerName, cause: HandshakeFailure): number =>
      this.#counters.failures(listener, cause);
    return groupHandshakes(this.#kept.all(), by, filter, { limit, countOf });
  }

  /** Returns what the workers have counted for the server, by vNIC. */
  serverTotals(server: string): readonly ServerTotal[] {
    return this.#servers.of(server);
  }

  /** Returns undefined if the certificate had no traffic, or is counted with the others. */
  trafficOf(certificate: string): CertificateTraffic | undefined {
    return this.#certificates.trafficOf(certificate);
  }

  serverState(server: string): ServerState {
    return this.#serverStates.of(server);
  }

  ratesOf(vnic: VnicName): VnicRates {
    return this.#recent.of(vnic);
  }

  /** Prometheus text format 0.0.4, in pieces. */
  async metrics(): Promise<readonly Buffer[]> {
    const director = await this.#director.text();
    const servers = await serverMetricsText(this.#servers.entries());
    const certificates = await certificateMetricsText(this.#certificates.entries());
    const listeners = await listenerMetricsText(this.#counters);
    return [...director, ...servers, ...certificates, ...listeners];
  }

  /** Updates the metrics, and keeps failed handshakes. */
  #hear(event: DirectorEvent): void {
    const director = this.#director;
    if (event.name === "change-applied") {
      director.changeEnded("applied", event.seconds);
      this.#forgetRemoved(event.result.after);
    } else if (event.name === "change-unchanged") director.changeEnded("unchanged", event.seconds);
    else if (event.name === "change-refused") director.changeEnded("refused", event.seconds);
    else if (event.name === "worker-restarted") director.workerRestarted(event.cause);
    else if (event.name === "worker-gone") {
      this.#counters.gone(event.worker);
      this.#servers.gone(event.worker);
    } else if (event.name === "endpoint-checked") {
      director.endpointHealth(event);
      this.#serverStates.checked(event);
    } else if (event.name === "handshakes-failed") {
      for (const record of event.handshakes) this.#kept.add(record);
    }
  }

  #forgetRemoved({ document }: StateInForce): void {
    this.#recent.forgetIdle();
    this.#servers.prune();
    this.#certificates.keepOnly((name) => Object.hasOwn(document.certificates, name));
    this.#serverStates.follow(new Set(Object.keys(document.servers)));
  }
}
