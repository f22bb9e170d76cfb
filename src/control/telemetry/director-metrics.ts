import { DIRECTOR_METRICS, type DirectorMetricName } from "#model/records/metric-catalog.ts";
import type { Metric } from "#model/records/metric.ts";
import type { Revision } from "#model/document/document.ts";
import { vnicOfListener, type ListenerName, type ServerPair, type VnicName } from "#model/names.ts";
import type { EndpointChecked } from "#control/director-event.ts";
import type { SnapshotListener } from "#model/records/snapshot.ts";
import type {
  CertificateStatus,
  Engine,
  ProfileStatus,
  ServerOper,
  WorkerStatus,
} from "#model/records/status.ts";
import { Count, Durations } from "./director-counts.ts";
import { labelsText, metricsText } from "./metrics-text.ts";

/** The facts from which the gauges are computed at each scrape. */
export interface DirectorFacts {
  readonly version: string;
  readonly engine: Engine;
  readonly revision: Revision;
  readonly isStateWritable: boolean;
  /** Lines that the log has lost since the start. */
  readonly droppedLogLines: number;
  /** Whether so many health checks fail at once that the director doubts itself. */
  readonly isDoubting: boolean;
  readonly workers: readonly WorkerStatus[];
  readonly certificates: readonly CertificateStatus[];
  /** Every listener of the document in force. */
  readonly listeners: readonly Pick<SnapshotListener, "name" | "mode">[];
  /** The vNICs that are down because of their virtual IPs. */
  readonly absentVnics: readonly VnicName[];
  readonly servers: readonly { readonly name: string; readonly oper: ServerOper }[];
  /** The profiles that have standby servers. */
  readonly profiles: readonly Pick<ProfileStatus, "name" | "servedBy" | "isFlapping">[];
  /** The pairs of the document in force. */
  readonly serversInForce: ReadonlySet<ServerPair>;
}

interface CheckedEndpoint {
  readonly server: string;
  readonly isUp: boolean;
}

type LabelValue<Name extends DirectorMetricName> = Extract<
  (typeof DIRECTOR_METRICS)[number],
  { readonly name: Name; readonly values: readonly string[] }
>["values"][number];
export type ChangeOutcome = LabelValue<"tlsd_changes_total">;
export type RestartCause = LabelValue<"tlsd_worker_restarts_total">;

type GaugeSeries = readonly (readonly [labels: Record<string, string>, value: number])[];

/** The metrics of the director that the control process itself counts. Workers count those of listeners. */
export class DirectorMetrics {
  readonly #facts: () => DirectorFacts;
  readonly #gauges = new Map<DirectorMetricName, (facts: DirectorFacts) => GaugeSeries>();
  readonly #changes = new Count(metricOf("tlsd_changes_total"));
  readonly #changeSeconds = new Durations(metricOf("tlsd_change_seconds"));
  readonly #restarts = new Count(metricOf("tlsd_worker_restarts_total"));
  readonly #internalErrors = new Count(metricOf("tlsd_internal_errors_total"));
  readonly #dropped = new Count(metricOf("tlsd_events_dropped_total"));
  readonly #counts = [
    ...[this.#changes, this.#changeSeconds, this.#restarts],
    ...[this.#internalErrors, this.#dropped],
  ];
  readonly #endpoints = new Map<ListenerName, Map<string, CheckedEndpoint>>();

  constructor(facts: () => DirectorFacts) {
    this.#facts = facts;
    this.#gauge("tlsd_info", ({ version, engine }) => [[{ version, engine }, 1]]);
    this.#gauge("tlsd_document_revision", ({ revision }) => [[{}, revision]]);
    this.#gauge("tlsd_workers", ({ workers }) =>
      (metricOf("tlsd_workers").values ?? []).map((state) => [
        { state },
        workers.filter((worker) => worker.state === state).length,
      ]),
    );
    this.#gauge("tlsd_state_writable", ({ isStateWritable }) => [[{}, isStateWritable ? 1 : 0]]);
    this.#gauge("tlsd_log_lines_dropped_total", ({ droppedLogLines }) => [[{}, droppedLogLines]]);
    this.#gauge("tlsd_worker_memory_bytes", ({ workers }) =>
      workers.map(({ id, residentBytes }) => [{ worker: String(id) }, residentBytes]),
    );
    this.#gauge("tlsd_worker_loop_delay_seconds", ({ workers }) =>
      workers.map(({ id, loopDelayMs }) => [{ worker: String(id) }, loopDelayMs / 1000]),
    );
    this.#gauge("tlsd_certificate_not_after_seconds", ({ certificates }) =>
      certificates.flatMap(({ name, facts: known }) =>
        known === undefined
          ? []
          : [[{ certificate: name }, Math.floor(known.notAfterMs / 1000)] as const],
      ),
    );
    this.#gauge("tlsd_certificate_source_ok", ({ certificates }) =>
      certificates.map(({ name, state }) => [{ certificate: name }, state === "ok" ? 1 : 0]),
    );
    this.#gauge("tlsd_health_doubted", ({ isDoubting }) => [[{}, isDoubting ? 1 : 0]]);
    this.#gauge("tlsd_vnic_address_missing", ({ absentVnics }) =>
      absentVnics.map((vnic) => [{ vnic }, 1]),
    );
    this.#gauge("tlsd_server_state", ({ servers }) =>
      servers.map(({ name, oper }) => [{ server: name, state: oper }, 1]),
    );
    this.#gauge("tlsd_profile_on_standby", ({ profiles }) =>
      profiles.map(({ name, servedBy }) => [{ profile: name }, servedBy === "standby" ? 1 : 0]),
    );
    this.#gauge("tlsd_profile_flapping", ({ profiles }) =>
      profiles.map(({ name, isFlapping }) => [{ profile: name }, isFlapping ? 1 : 0]),
    );
    this.#gauge("tlsd_endpoint_up", ({ listeners }) =>
      this.#endpointSeries(listeners.map(({ name }) => name)),
    );
  }

  /** Returns the text of the metrics in pieces. A gauge can have thousands of series, so they are written in turns. */
  async text(): Promise<readonly Buffer[]> {
    const pieces: Buffer[] = [];
    for (const count of this.#counts) {
      const { name, kind, help, buckets } = count.metric;
      // The label of a counter is in its series.
      const shown = { name, kind, help, ...(buckets && { buckets }) };
      pieces.push(...(await metricsText([shown], count.series())));
    }
    for (const [name, seriesOf] of this.#gauges) {
      const series = seriesOf(this.#facts()).map(([labels, value]) => ({
        labels: labelsText(labels),
        valuesOf: () => [value],
      }));
      const { kind, help } = metricOf(name);
      // The labels of a gauge are those of its series.
      pieces.push(...(await metricsText([{ name, kind, help }], series)));
    }
    return pieces;
  }

  changeEnded(outcome: ChangeOutcome, seconds: number): void {
    this.#changes.add(1, outcome);
    if (outcome === "applied") this.#changeSeconds.add(seconds);
  }

  workerRestarted(cause: RestartCause): void {
    this.#restarts.add(1, cause);
  }

  internalError(): void {
    this.#internalErrors.add();
  }

  eventsDropped(count: number): void {
    this.#dropped.add(count);
  }

  endpointHealth({ endpoint, isUp, untried, uses, left }: EndpointChecked): void {
    for (const { listener } of untried === undefined ? left : [...left, ...uses]) {
      const states = this.#endpoints.get(listener);
      states?.delete(endpoint);
      if (states?.size === 0) this.#endpoints.delete(listener);
    }
    if (untried !== undefined) return;
    for (const { listener, server } of uses) {
      const states = this.#endpoints.get(listener) ?? new Map<string, CheckedEndpoint>();
      this.#endpoints.set(listener, states.set(endpoint, { server, isUp }));
    }
  }

  #endpointSeries(listeners: readonly ListenerName[]): GaugeSeries {
    const inForce = new Set(listeners);
    for (const listener of this.#endpoints.keys()) {
      if (!inForce.has(listener)) this.#endpoints.delete(listener);
    }
    return [...this.#endpoints].flatMap(([listener, states]) =>
      [...states].map(([endpoint, { server, isUp }]) => {
        const vnic = vnicOfListener(listener);
        return [{ vnic, listener, server, endpoint }, isUp ? 1 : 0] as const;
      }),
    );
  }

  #gauge(name: DirectorMetricName, seriesOf: (facts: DirectorFacts) => GaugeSeries): void {
    this.#gauges.set(name, seriesOf);
  }
}

const CATALOGUE: ReadonlyMap<string, Metric> = new Map(
  DIRECTOR_METRICS.map((metric) => [metric.name, metric]),
);

function metricOf(name: DirectorMetricName): Metric {
  const metric = CATALOGUE.get(name);
  if (metric === undefined) throw new TypeError(`${name} is not in the catalogue.`);
  return metric;
}
