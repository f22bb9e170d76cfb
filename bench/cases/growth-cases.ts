import { usualTerms } from "../load/terms.ts";
import type { BenchCase, GrowthAxis } from "./bench-case.ts";

/** A slow growth hides in the noise of a few operations. */
const operations = { newConnections: 2_000, requests: 40_000 };

const shared = {
  family: "growth",
  unit: "us",
  perUnit: 1_000,
  decimals: 1,
  terms: usualTerms,
} as const;

/** New connections that take turns over all listeners; the warm-up has used every one of them. */
export function listenerCase(count: number): BenchCase {
  return {
    ...shared,
    ...textsOf("listeners", count, "new connection: full handshake + one 48-byte request", "new"),
    load: "handshakes",
    concurrency: 16,
    operations: operations.newConnections,
    warmUpOperations: Math.max(2_000, count),
  };
}

/** Requests that take turns over all open connections. */
export function connectionCase(count: number): BenchCase {
  return {
    ...shared,
    ...textsOf("connections", count, "keep-alive request of 48 bytes", "request"),
    load: "open-requests",
    concurrency: 64,
    operations: operations.requests,
    warmUpOperations: operations.requests / 2,
    plan: { connections: count },
  };
}

/** Each worker is warmed up as one would be. */
export function workerCases(count: number): BenchCase[] {
  const newConnections = {
    ...shared,
    load: "handshakes",
    concurrency: 16,
    operations: operations.newConnections,
    warmUpOperations: 3_000 * count,
  } as const;
  return [
    {
      ...newConnections,
      ...textsOf("workers", count, "new connection: full handshake + one 48-byte request", "new"),
    },
    {
      ...newConnections,
      ...textsOf("workers", count, "new connection that shows a ticket + one request", "resumed"),
      terms: { ...usualTerms, handshake: "either" },
    },
    {
      ...shared,
      ...textsOf("workers", count, "keep-alive request of 48 bytes", "request"),
      load: "open-requests",
      concurrency: 64,
      operations: operations.requests,
      warmUpOperations: (operations.requests / 2) * count,
    },
  ];
}

function textsOf(axis: GrowthAxis, count: number, operation: string, kind: string) {
  const counted = `${count.toLocaleString("en")} ${count === 1 ? axis.slice(0, -1) : axis}`;
  return {
    name: `growth-${axis}-${kind}-${count}`,
    title: `CPU per ${operation}, ${axis === "connections" ? `${counted} open` : counted}`,
    label: `CPU per ${operation}`,
    growth: { axis, count },
  };
}
