import type { Metric } from "#model/records/metric.ts";
import { labelsText, type Series } from "./metrics-text.ts";

/** A counter of the control process, with an amount for each value of its label. */
export class Count {
  readonly metric: Metric;
  readonly #amounts: Map<string, number>;

  constructor(metric: Metric) {
    this.metric = metric;
    // A series that starts at its first event hides that event from rate() and increase().
    const values = metric.label === undefined ? [""] : (metric.values ?? []);
    this.#amounts = new Map(values.map((value) => [value, 0]));
  }

  add(count = 1, value = ""): void {
    this.#amounts.set(value, (this.#amounts.get(value) ?? 0) + count);
  }

  series(): readonly Series<Metric>[] {
    const { label } = this.metric;
    return Array.from(this.#amounts, ([value, amount]) => ({
      labels: label === undefined ? "" : labelsText({ [label]: value }),
      valuesOf: () => [amount],
    }));
  }
}

/** A histogram of the control process. */
export class Durations {
  readonly metric: Metric;
  /** An amount for each bucket, one for what is above the last, and the sum. */
  readonly #amounts: Float64Array;

  constructor(metric: Metric) {
    this.metric = metric;
    this.#amounts = new Float64Array((metric.buckets?.length ?? 0) + 2);
  }

  add(seconds: number): void {
    const { buckets = [] } = this.metric;
    const at = buckets.findIndex((bound) => seconds <= bound);
    this.#increase(at === -1 ? buckets.length : at, 1);
    this.#increase(buckets.length + 1, seconds);
  }

  series(): readonly Series<Metric>[] {
    return [{ labels: "", valuesOf: () => this.#amounts }];
  }

  #increase(at: number, by: number): void {
    this.#amounts[at] = (this.#amounts[at] ?? 0) + by;
  }
}
