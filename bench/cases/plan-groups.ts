import type { BenchOptions } from "../parse-options.ts";
import type {
  BenchCase,
  CaseGroup,
  FamilyName,
  GrowthCase,
  GrowthGroup,
  PlannedGroup,
  Shape,
} from "./bench-case.ts";
import { connectionCase, listenerCase, workerCases } from "./growth-cases.ts";
import {
  bulkCases,
  handshakeCases,
  latencyCases,
  memoryCases,
  requestCases,
} from "./main-cases.ts";

const usualRuns = 5;
const usualQuickRuns = 3;
/** Their spread is small, or their runs are long. */
const fewerRuns: Partial<Record<FamilyName, number>> = { memory: 3, growth: 3 };
/** A quick run is for trying things out: its figures are noisier. */
const quickShare = 1 / 4;

const usualShape: Shape = { keyTypes: ["ecdsa", "rsa"], workers: 1, maxConnections: 6_000 };

/** What there is to do, in order; a group's subjects are up at the same time. */
export function planGroups(options: BenchOptions): PlannedGroup[] {
  const { families, isQuick } = options;
  const wants = (name: FamilyName) => families.includes(name);
  const runsOf = (family: FamilyName) =>
    options.runs ?? (isQuick ? usualQuickRuns : (fewerRuns[family] ?? usualRuns));
  const group = (method: CaseGroup["method"], family: FamilyName, all: readonly BenchCase[]) => ({
    method,
    shape: usualShape,
    cases: isQuick ? all.map(quickened) : all,
    runs: runsOf(family),
  });

  const cpuCases = [
    ...(wants("handshakes") ? handshakeCases : []),
    ...(wants("requests") ? requestCases : []),
    ...(wants("bulk") ? bulkCases : []),
  ];
  return [
    ...(cpuCases.length > 0 ? [group("cpu", "handshakes", cpuCases)] : []),
    ...(wants("latency") ? [group("latency", "latency", latencyCases)] : []),
    ...(wants("memory") ? [group("memory", "memory", memoryCases)] : []),
    ...(wants("growth") ? growthSeries(isQuick) : []).map((points): GrowthGroup => ({
      method: "growth",
      points: isQuick
        ? points.map((one) => ({ ...one, benchCase: quickened(one.benchCase) }))
        : points,
      runs: runsOf("growth"),
    })),
  ];
}

function growthSeries(isQuick: boolean): (readonly GrowthCase[])[] {
  const listenerCounts = isQuick ? [1, 100, 1_000] : [1, 100, 1_000, 10_000];
  const manyConnections = growthShape(1, 1, 9_000);
  const perWorkers = [1, 2].map((workers) =>
    workerCases(workers).map((benchCase) => ({ shape: growthShape(1, workers, 2_000), benchCase })),
  );
  const [withOne = [], withTwo = []] = perWorkers;
  return [
    listenerCounts.map((count) => ({
      shape: growthShape(count, 1, 2_000),
      benchCase: listenerCase(count),
    })),
    [100, 1_000, 8_000].map((count) => ({
      shape: manyConnections,
      benchCase: connectionCase(count),
    })),
    ...withOne.map((one, index) => [one, ...withTwo.slice(index, index + 1)]),
  ];
}

function growthShape(listeners: number, workers: number, maxConnections: number): Shape {
  const keyTypes = Array.from({ length: listeners }, () => "ecdsa" as const);
  return { keyTypes, workers, maxConnections };
}

/** Seconds, warm-up of idle connections and a round over all listeners stay as they are. */
function quickened(full: BenchCase): BenchCase {
  const hasSmallWarmUp = full.family === "memory" || full.family === "latency";
  const listeners = full.growth?.axis === "listeners" ? full.growth.count : 0;
  return {
    ...full,
    operations: full.family === "latency" ? 2 : full.operations * quickShare,
    warmUpOperations: hasSmallWarmUp
      ? full.warmUpOperations
      : Math.max(listeners, full.warmUpOperations * quickShare),
  };
}
