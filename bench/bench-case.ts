export const caseNames = ["handshakes", "requests", "bulk", "memory"] as const;
export type CaseName = (typeof caseNames)[number];

/** What one figure is and how it is taken. Memory counts bytes, the others CPU time. */
export interface BenchCase {
  readonly name: CaseName;
  readonly title: string;
  readonly unit: string;
  /** CPU nanoseconds per operation, or bytes per connection, that make one unit. */
  readonly perUnit: number;
  readonly decimals: number;
  /** The script in bench/load. */
  readonly load: string;
  readonly concurrency: number;
  readonly operations: number;
  /** Done once before the runs and not measured: compiled code, grown heaps, filled caches. */
  readonly warmUpOperations: number;
}

const mebibyte = 1024 * 1024;

const fullCases: Record<CaseName, BenchCase> = {
  handshakes: {
    name: "handshakes",
    title: "CPU per new connection: full handshake and one 48-byte request",
    unit: "us",
    perUnit: 1_000,
    decimals: 0,
    load: "handshakes",
    concurrency: 16,
    operations: 2_000,
    warmUpOperations: 3_000,
  },
  requests: {
    name: "requests",
    title: "CPU per 48-byte request, keep-alive",
    unit: "us",
    perUnit: 1_000,
    decimals: 1,
    load: "requests",
    concurrency: 64,
    operations: 40_000,
    warmUpOperations: 60_000,
  },
  bulk: {
    name: "bulk",
    title: "CPU per GB downstream",
    unit: "s",
    perUnit: 1,
    decimals: 3,
    load: "bulk",
    concurrency: 4,
    operations: 512 * mebibyte,
    warmUpOperations: 256 * mebibyte,
  },
  memory: {
    name: "memory",
    title: "Memory per idle TLS connection",
    unit: "KB",
    perUnit: 1_000,
    decimals: 1,
    load: "idle",
    concurrency: 32,
    operations: 4_000,
    warmUpOperations: 64,
  },
};

/** A quick run is for trying things out: its figures are noisier. */
export function benchCaseOf(name: CaseName, isQuick: boolean): BenchCase {
  const full = fullCases[name];
  return isQuick
    ? {
        ...full,
        operations: full.operations / 4,
        warmUpOperations: name === "memory" ? full.warmUpOperations : full.warmUpOperations / 4,
      }
    : full;
}
