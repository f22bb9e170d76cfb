import { LISTENER_MODES } from "#model/listener-mode.ts";
import {
  CERTIFICATE_METRICS,
  DIRECTOR_METRICS,
  LISTENER_METRICS,
  SERVER_METRICS,
} from "#model/records/metric-catalog.ts";
import type { Metric } from "#model/records/metric.ts";
import { metricsOf } from "#model/records/mode-records.ts";
import { codeOf, markdownTable, pageOf, sectionOf } from "./markdown.ts";

const INTRO = [
  "Prometheus text, at `/metrics` of the admin socket and of `director.observe`. Counters continue when a worker is",
  "replaced. No metric has a label for the client. The values of `cause`, `outcome`, `rule` and `limit` are explained in",
  "[failures](failures.md). The metrics of a listener that leaves the document stay for ten minutes.",
].join("\n");

export function metricsPage(): string {
  return pageOf("Metrics", INTRO, [
    sectionOf(
      "Metrics of each listener",
      "Labels `vnic` and `listener`, and those in the table. A listener has the metrics that its mode can count.",
      listenerTable(),
    ),
    sectionOf(
      "Metrics of each server",
      "Labels `vnic` and `server`, for each server that the endpoints of a vNIC are on.",
      tableOf(SERVER_METRICS),
    ),
    sectionOf(
      "Metrics of each certificate with traffic",
      "Label `certificate`, for each certificate that was shown to a client since the start. Certificates beyond the first 999 are counted together as `other`. The time at which a certificate expires is among the metrics of the director, for every certificate.",
      tableOf(CERTIFICATE_METRICS),
    ),
    sectionOf("Of the director", tableOf(DIRECTOR_METRICS)),
    sectionOf(
      "Label values and buckets",
      detailsOf([...LISTENER_METRICS, ...CERTIFICATE_METRICS, ...DIRECTOR_METRICS]),
    ),
  ]);
}

function listenerTable(): string {
  const rows = LISTENER_METRICS.map((metric) => {
    const modes = LISTENER_MODES.filter((mode) => metricsOf(mode).includes(metric));
    const [name = "", ...cells] = cellsOf(metric);
    return [
      name,
      modes.length === LISTENER_MODES.length ? "all" : modes.map(codeOf).join(", "),
      ...cells,
    ];
  });
  return markdownTable(["metric", "modes", "kind", "label", "meaning"], rows);
}

const tableOf = (metrics: readonly Metric[]): string =>
  markdownTable(["metric", "kind", "label", "meaning"], metrics.map(cellsOf));

const cellsOf = ({ name, kind, label, help }: Metric): readonly string[] => [
  codeOf(name),
  kind,
  label === undefined ? "" : codeOf(label),
  help,
];

function detailsOf(metrics: readonly Metric[]): string {
  return metrics
    .flatMap(({ name, label, values, buckets }) => {
      if (label !== undefined && values !== undefined) {
        return [`- ${codeOf(name)}, ${codeOf(label)}: ${values.map(codeOf).join(", ")}`];
      }
      return buckets === undefined ? [] : [`- ${codeOf(name)}, seconds: ${buckets.join(", ")}`];
    })
    .join("\n");
}
