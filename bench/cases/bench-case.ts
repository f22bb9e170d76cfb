import type { LoadPlan } from "../load/load-messages.ts";
import type { LoadScript } from "../load-process.ts";
import type { Terms } from "../load/terms.ts";
import type { Engine } from "../subjects/director.ts";

export const familyNames = [
  "handshakes",
  "requests",
  "bulk",
  "memory",
  "latency",
  "growth",
] as const;
export type FamilyName = (typeof familyNames)[number];

export type GrowthAxis = "listeners" | "connections" | "workers";

/** What one figure is and how it is taken. */
export interface BenchCase {
  /** Unique; what `compare` goes by. */
  readonly name: string;
  readonly family: FamilyName;
  readonly title: string;
  /** A few words, for a chart. */
  readonly label: string;
  readonly unit: string;
  /** CPU nanoseconds per operation, or bytes per connection, that make one unit. */
  readonly perUnit: number;
  readonly decimals: number;
  readonly load: LoadScript;
  readonly terms: Terms;
  readonly concurrency: number;
  readonly operations: number;
  /** Done once before the runs and not measured: compiled code, grown heaps, filled caches. */
  readonly warmUpOperations: number;
  /** What the load has to know besides. */
  readonly plan?: Pick<LoadPlan, "connections" | "direction" | "downloadBytes">;
  /** Ratios to HAProxy that the director is to reach. */
  readonly aims?: Readonly<Record<Engine, number>>;
  /** One point of a series that shows how the cost grows. */
  readonly growth?: { readonly axis: GrowthAxis; readonly count: number };
}

/** What is set up for a group of cases. */
export interface Shape {
  /** The certificate of each listener. */
  readonly keyTypes: readonly Terms["keyType"][];
  readonly workers: number;
  /** Limit of each subject, where it wants one: above what the cases open, and below the usual limit of open files. */
  readonly maxConnections: number;
}

/** Cases one after the other, with the same subjects. */
export interface CaseGroup {
  readonly method: "cpu" | "memory" | "latency";
  readonly shape: Shape;
  readonly cases: readonly BenchCase[];
  readonly runs: number;
}

/** One operation under growing counts: what changes is the point, so the runs of all points are interleaved. */
export interface GrowthGroup {
  readonly method: "growth";
  readonly points: readonly GrowthCase[];
  readonly runs: number;
}

export interface GrowthCase {
  readonly shape: Shape;
  readonly benchCase: BenchCase;
}

export type PlannedGroup = CaseGroup | GrowthGroup;
