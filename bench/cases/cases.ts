import type { BenchKeyType, BenchMode } from "../proxies/tls-proxy.ts";
import {
  defaultTls,
  type KeyExchangeGroup,
  type LoadName,
  type LoadPlan,
  type TlsParameters,
} from "../load/messages.ts";

export const categories = [
  "handshakes",
  "requests",
  "bulk",
  "memory",
  "latency",
  "growth",
  "http",
  "h2",
] as const;
export type Category = (typeof categories)[number];

/** What one figure is and how it is measured. */
export interface BenchCase {
  /** Unique among all cases. */
  readonly name: string;
  readonly category: Category;
  /** What is measured: CPU time per operation, memory per connection, or latency. */
  readonly measure: "cpu" | "memory" | "latency";
  readonly title: string;
  /** A short title for the chart and for tables of several cases. */
  readonly label: string;
  readonly unit: string;
  /** How many nanoseconds of CPU time per operation, or bytes per connection, are one unit. */
  readonly perUnit: number;
  readonly decimals: number;
  readonly setup: Setup;
  readonly load: LoadName;
  readonly tls: TlsParameters;
  readonly concurrency: number;
  /** Operations of the load plan. For `latency`, seconds. */
  readonly operations: number;
  /** Operations before the first run. They compile code, grow heaps and fill caches, and are not measured. */
  readonly warmUpOperations: number;
  readonly plan?: Pick<LoadPlan, "connections" | "direction" | "downloadBytes" | "http">;
  /** The case is one point of a series over this count. */
  readonly growth?: { readonly axis: GrowthAxis; readonly count: number };
}

export type GrowthAxis = "listeners" | "connections" | "workers";

/** How each proxy is configured for a case. */
export interface Setup {
  readonly mode: BenchMode;
  /** Whether each connection, or in mode http each request, gets a line in a file. */
  readonly hasAccessLog: boolean;
  /** Number of listeners by the key type of their certificate. */
  readonly ecdsaListeners: number;
  readonly rsaListeners: number;
  readonly workers: number;
  /** Connection limit of proxies that need one. It is above what the case opens. */
  readonly maxConnections: number;
}

const mebibyte = 1024 * 1024;

const shared = {
  measure: "cpu",
  setup: {
    mode: "tcp",
    hasAccessLog: false,
    ecdsaListeners: 1,
    rsaListeners: 1,
    workers: 1,
    maxConnections: 6_000,
  },
  tls: defaultTls,
} as const;

const microseconds = { unit: "us", perUnit: 1_000 } as const;

const newConnection = {
  ...shared,
  ...microseconds,
  category: "handshakes",
  decimals: 0,
  load: "handshakes",
  concurrency: 16,
  operations: 2_000,
  warmUpOperations: 3_000,
} as const;

function fullHandshakes(keyType: BenchKeyType, group: KeyExchangeGroup): BenchCase {
  const certificate = { ecdsa: "ECDSA P-256", rsa: "RSA-2048" }[keyType];
  return {
    ...newConnection,
    name: `handshakes-${keyType}-${group.toLowerCase()}`,
    title: `CPU per new connection: full handshake (${certificate}, ${group}) + one 48-byte request`,
    label: `${certificate}, ${group}: handshake + request`,
    tls: { keyType, group, handshake: "full" },
  };
}

export const handshakeCases: readonly BenchCase[] = [
  fullHandshakes("ecdsa", "X25519"),
  fullHandshakes("rsa", "X25519"),
  fullHandshakes("ecdsa", "X25519MLKEM768"),
  fullHandshakes("rsa", "X25519MLKEM768"),
  {
    ...newConnection,
    name: "handshakes-resumed",
    title: "CPU per new connection: resumed handshake (TLS 1.3 ticket) + one 48-byte request",
    label: "resumed handshake + request",
    tls: { ...defaultTls, handshake: "resumed" },
  },
];

export const requestCase: BenchCase = {
  ...shared,
  ...microseconds,
  name: "requests",
  category: "requests",
  title: "CPU per keep-alive request (autocannon: request of 60 bytes, answer of 48)",
  label: "keep-alive request",
  decimals: 1,
  load: "requests",
  concurrency: 64,
  operations: 40_000,
  warmUpOperations: 60_000,
};

export const bulkCases: readonly BenchCase[] = (["downstream", "upstream"] as const).map(
  (direction) => ({
    ...shared,
    name: `bulk-${direction}`,
    category: "bulk",
    title: `CPU per GB ${direction}`,
    label: `GB ${direction}`,
    unit: "s",
    perUnit: 1,
    decimals: 3,
    load: "bulk",
    concurrency: 4,
    operations: 512 * mebibyte,
    warmUpOperations: 256 * mebibyte,
    plan: { direction },
  }),
);

const idleConnections = {
  ...shared,
  category: "memory",
  measure: "memory",
  unit: "KB",
  perUnit: 1_000,
  decimals: 1,
  load: "idle",
  concurrency: 32,
  operations: 4_000,
  warmUpOperations: 64,
} as const;

export const memoryCases: readonly BenchCase[] = [
  {
    ...idleConnections,
    name: "memory-idle",
    title: "Memory per idle TLS connection after its handshake",
    label: "memory: idle connection",
  },
  {
    ...idleConnections,
    name: "memory-used",
    title: "Memory per idle TLS connection after a download of 300 KB on each",
    label: "memory: idle after 300 KB",
    plan: { downloadBytes: 300_000 },
  },
];

const latency = {
  ...shared,
  category: "latency",
  measure: "latency",
  unit: "us",
  perUnit: 1,
  decimals: 0,
  load: "latency",
  concurrency: 64,
  operations: 5,
  warmUpOperations: 2,
} as const;

/** Both cases are measured in the same runs. */
export const latencyCases: readonly BenchCase[] = [
  {
    ...latency,
    name: "latency-p50",
    title: "Latency at half of HAProxy's capacity, median",
    label: "latency, median",
  },
  {
    ...latency,
    name: "latency-p99",
    title: "Latency at half of HAProxy's capacity, 99th percentile",
    label: "latency, p99",
  },
];

/** Finds out how many requests per second a proxy can answer. It has no figure of its own. */
export const capacityCase: BenchCase = {
  ...latency,
  measure: "cpu",
  name: "capacity",
  title: "Keep-alive requests per second",
  label: "capacity",
  load: "open-requests",
  operations: 60_000,
  warmUpOperations: 20_000,
};
