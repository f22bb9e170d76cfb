import type { BenchCase } from "../bench-case.ts";
import type { Measurement } from "../measure/measure-cpu.ts";
import type { SubjectBuild } from "../subjects/subject.ts";

/** What one invocation measured, as it is written to bench/results. */
export interface BenchResult {
  readonly date: string;
  readonly machine: Machine;
  readonly isQuick: boolean;
  readonly runs: number;
  readonly negotiated: string;
  readonly subjects: readonly SubjectResult[];
  readonly cases: readonly CaseResult[];
}

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly kernel: string;
  /** Of the minute before the start: near 0 on a machine that is free for the bench. */
  readonly loadAverage: number;
  readonly loadRuntime: string;
}

export interface SubjectResult extends SubjectBuild {
  readonly name: string;
  readonly configuration: string;
}

export interface CaseResult {
  readonly case: BenchCase;
  readonly figures: readonly Figure[];
}

/** A subject's runs of one case, in the case's unit. */
export interface Figure {
  readonly subject: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Median over HAProxy's in the same invocation; absent without HAProxy. */
  readonly ratio?: number;
  readonly workersMedian?: number;
  readonly busyMedian?: number;
  readonly runs: readonly Measurement[];
}

const referenceSubject = "haproxy";

export function figuresOf(measured: ReadonlyMap<string, readonly Measurement[]>): Figure[] {
  const reference = measured.get(referenceSubject)?.map(({ value }) => value);
  return [...measured].map(([subject, runs]) => {
    const values = runs.map(({ value }) => value);
    const workers = runs.flatMap((run) => run.workers ?? []);
    const busy = runs.flatMap((run) => run.busy ?? []);
    return {
      subject,
      median: medianOf(values),
      min: Math.min(...values),
      max: Math.max(...values),
      ...(reference && { ratio: medianOf(values) / medianOf(reference) }),
      ...(workers.length > 0 && { workersMedian: medianOf(workers) }),
      ...(busy.length > 0 && { busyMedian: medianOf(busy) }),
      runs,
    };
  });
}

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}
