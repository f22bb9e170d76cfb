import type { BenchCase } from "../cases/bench-case.ts";
import type { Measurement } from "../measure/measurement.ts";
import type { SubjectBuild } from "../subjects/subject.ts";

/** What one invocation measured, as it is written to bench/results. */
export interface BenchResult {
  readonly date: string;
  readonly machine: Machine;
  readonly isQuick: boolean;
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
  /** How many of the cores have load and endpoint. */
  readonly loadCores: number;
}

export interface SubjectResult extends SubjectBuild {
  readonly name: string;
  /** Paths in it are relative to the bench's temporary folder. */
  readonly configuration: string;
}

export interface CaseResult {
  readonly case: BenchCase;
  /** Empty when the case was refused. */
  readonly figures: readonly Figure[];
  /** Subjects that cannot do it. */
  readonly absent: readonly Absence[];
  /** Why nothing is compared. */
  readonly refusal?: string;
  readonly note?: string;
}

export interface Absence {
  readonly subject: string;
  readonly reason: string;
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
  readonly resumedMedian?: number;
  readonly lateP99UsMedian?: number;
  readonly runs: readonly Measurement[];
}

export const referenceSubject = "haproxy";

export function figuresOf(measured: ReadonlyMap<string, readonly Measurement[]>): Figure[] {
  const reference = measured.get(referenceSubject)?.map(({ value }) => value);
  return [...measured].map(([subject, runs]) => {
    const values = runs.map(({ value }) => value);
    const tryMedian = (valueOf: (run: Measurement) => number | undefined) => {
      const present = runs.flatMap((run) => valueOf(run) ?? []);
      return present.length > 0 ? medianOf(present) : undefined;
    };
    const workers = tryMedian((run) => run.workers);
    const busy = tryMedian((run) => run.busy);
    const resumed = tryMedian((run) => run.resumed);
    const lateP99Us = tryMedian((run) => run.lateP99Us);
    return {
      subject,
      median: medianOf(values),
      min: Math.min(...values),
      max: Math.max(...values),
      ...(reference && { ratio: medianOf(values) / medianOf(reference) }),
      ...(workers !== undefined && { workersMedian: workers }),
      ...(busy !== undefined && { busyMedian: busy }),
      ...(resumed !== undefined && { resumedMedian: resumed }),
      ...(lateP99Us !== undefined && { lateP99UsMedian: lateP99Us }),
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
