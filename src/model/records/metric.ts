/** How a metric of the catalogue is described. */
export interface Metric {
  readonly name: string;
  readonly kind: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** A label in addition to those that all metrics of the scope have. */
  readonly label?: string;
  /** The closed set of values of `label`. */
  readonly values?: readonly string[];
  /** Upper bounds in seconds, for a histogram. */
  readonly buckets?: readonly number[];
}

export const DURATION_BUCKETS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;
