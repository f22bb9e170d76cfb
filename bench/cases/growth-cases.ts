import { defaultTls } from "../load/messages.ts";
import type { BenchCase, GrowthAxis, Setup } from "./cases.ts";

const shared = {
  category: "growth",
  measure: "cpu",
  unit: "us",
  perUnit: 1_000,
  decimals: 1,
  tls: defaultTls,
} as const;

const newConnections = {
  ...shared,
  load: "handshakes",
  concurrency: 16,
  operations: 2_000,
} as const;
const requests = {
  ...shared,
  load: "open-requests",
  concurrency: 64,
  operations: 40_000,
  warmUpOperations: 20_000,
} as const;

const newText = "new connection: full handshake + one 48-byte request";
const requestText = "keep-alive request of 48 bytes";

/** Series of cases that differ in one count. Their runs are interleaved, so that a change on the machine is not taken for growth. */
export function growthSeries(isQuick: boolean): readonly (readonly BenchCase[])[] {
  const listenerCounts = isQuick ? [1, 100, 1_000] : [1, 100, 1_000, 10_000];
  return [
    listenerCounts.map(listenerCase),
    [100, 1_000, 8_000].map(connectionCase),
    ...[newByWorkers, resumedByWorkers, requestsByWorkers].map((caseOf) => [1, 2].map(caseOf)),
  ];
}

/** New connections to all listeners in turn. The warm-up uses each listener at least once. */
const listenerCase = (count: number): BenchCase => ({
  ...newConnections,
  ...textsOf("listeners", count, newText, "new"),
  setup: setupOf({ ecdsaListeners: count }),
  warmUpOperations: Math.max(2_000, count),
});

/** Requests on all open connections in turn. */
export const connectionCase = (count: number): BenchCase => ({
  ...requests,
  ...textsOf("connections", count, requestText, "request"),
  setup: setupOf({ maxConnections: 9_000 }),
  plan: { connections: count },
});

const newByWorkers = (workers: number): BenchCase => ({
  ...newConnections,
  ...textsOf("workers", workers, newText, "new"),
  setup: setupOf({ workers }),
  warmUpOperations: 3_000 * workers,
});

const resumedByWorkers = (workers: number): BenchCase => ({
  ...newByWorkers(workers),
  ...textsOf("workers", workers, "new connection with a ticket + one request", "resumed"),
  tls: { ...defaultTls, handshake: "either" },
});

const requestsByWorkers = (workers: number): BenchCase => ({
  ...requests,
  ...textsOf("workers", workers, requestText, "request"),
  setup: setupOf({ workers }),
  warmUpOperations: 20_000 * workers,
});

const setupOf = (changes: Partial<Setup>): Setup => ({
  mode: "tcp",
  hasAccessLog: false,
  ecdsaListeners: 1,
  rsaListeners: 0,
  workers: 1,
  maxConnections: 2_000,
  ...changes,
});

function textsOf(axis: GrowthAxis, count: number, operation: string, kind: string) {
  const counted = `${count.toLocaleString("en")} ${count === 1 ? axis.slice(0, -1) : axis}`;
  return {
    name: `growth-${axis}-${kind}-${count}`,
    title: `CPU per ${operation}, ${counted}`,
    label: `CPU per ${operation}`,
    growth: { axis, count },
  };
}
