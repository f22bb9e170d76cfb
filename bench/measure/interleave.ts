import type { BenchCase } from "../cases/cases.ts";
import { figuresOf, valueText, type Figure, type Measurement } from "../report/result.ts";

/** A proxy and the cases that one run of it measures. */
export interface Subject {
  readonly proxy: string;
  readonly cases: readonly BenchCase[];
  /** Measures once. Resolves with a measurement for each case, in the same order. */
  readonly measure: () => Promise<readonly Measurement[]>;
}

/** Measures each subject `runs` times in the order A B C A B C, so that changes on the machine affect all of them alike. */
export async function interleave(
  subjects: readonly Subject[],
  runs: number,
  log: (line: string) => void,
): Promise<ReadonlyMap<BenchCase, readonly Figure[]>> {
  const measured = new Map<BenchCase, Map<string, Measurement[]>>();
  for (let run = 1; run <= runs; run += 1) {
    for (const { proxy, cases, measure } of subjects) {
      const measurements = await measure();
      for (const [index, measurement] of measurements.entries()) {
        const benchCase = cases[index];
        if (benchCase === undefined) continue;
        const byProxy = measured.get(benchCase) ?? new Map<string, Measurement[]>();
        measured.set(benchCase, byProxy);
        byProxy.set(proxy, [...(byProxy.get(proxy) ?? []), measurement]);
        const text = valueText(measurement.value, benchCase);
        log(`${benchCase.name}: ${proxy}: run ${run} of ${runs}: ${text}`);
      }
    }
  }
  return new Map([...measured].map(([one, byProxy]) => [one, figuresOf([...byProxy])]));
}
