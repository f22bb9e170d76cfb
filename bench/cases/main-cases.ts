import type { Group, KeyType, Terms } from "../load/terms.ts";
import { usualTerms } from "../load/terms.ts";
import type { BenchCase } from "./bench-case.ts";

const mebibyte = 1024 * 1024;

const newConnection = {
  family: "handshakes",
  unit: "us",
  perUnit: 1_000,
  decimals: 0,
  load: "handshakes",
  concurrency: 16,
  operations: 2_000,
  warmUpOperations: 3_000,
} as const;

/** CPU time per new connection, by certificate and group, and resumed. */
export const handshakeCases: readonly BenchCase[] = [
  fullHandshakes("ecdsa", "X25519", { bun: 0.75, node: 1.5 }),
  fullHandshakes("rsa", "X25519", { bun: 0.9, node: 1.1 }),
  fullHandshakes("ecdsa", "X25519MLKEM768"),
  fullHandshakes("rsa", "X25519MLKEM768"),
  {
    ...newConnection,
    name: "handshakes-resumed",
    title: "CPU per new connection: resumed handshake (TLS 1.3 ticket) + one 48-byte request",
    label: "resumed handshake + request",
    terms: { ...usualTerms, handshake: "resumed" },
    aims: { bun: 0.75, node: 1.4 },
  },
];

function fullHandshakes(keyType: KeyType, group: Group, aims?: BenchCase["aims"]): BenchCase {
  const certificate = { ecdsa: "ECDSA P-256", rsa: "RSA-2048" }[keyType];
  const terms: Terms = { keyType, group, handshake: "full" };
  return {
    ...newConnection,
    name: `handshakes-${keyType}-${group.toLowerCase()}`,
    title: `CPU per new connection: full handshake (${certificate}, ${group}) + one 48-byte request`,
    label: `${certificate}, ${group}: handshake + request`,
    terms,
    ...(aims && { aims }),
  };
}

export const requestCases: readonly BenchCase[] = [
  {
    name: "requests",
    family: "requests",
    title: "CPU per keep-alive request (autocannon: 60 bytes there, 48 back)",
    label: "keep-alive request",
    unit: "us",
    perUnit: 1_000,
    decimals: 1,
    load: "requests",
    terms: usualTerms,
    concurrency: 64,
    operations: 40_000,
    warmUpOperations: 60_000,
    aims: { bun: 0.95, node: 1.3 },
  },
];

export const bulkCases: readonly BenchCase[] = (["downstream", "upstream"] as const).map(
  (direction): BenchCase => ({
    name: `bulk-${direction}`,
    family: "bulk",
    title: `CPU per GB ${direction}`,
    label: `GB ${direction}`,
    unit: "s",
    perUnit: 1,
    decimals: 3,
    load: "bulk",
    terms: usualTerms,
    concurrency: 4,
    operations: 512 * mebibyte,
    warmUpOperations: 256 * mebibyte,
    plan: { direction },
    aims: { bun: 0.5, node: 0.65 },
  }),
);

const idleConnections = {
  family: "memory",
  unit: "KB",
  perUnit: 1_000,
  decimals: 1,
  load: "idle",
  terms: usualTerms,
  concurrency: 32,
  operations: 4_000,
  warmUpOperations: 64,
  aims: { bun: 0.5, node: 3 },
} as const;

export const memoryCases: readonly BenchCase[] = [
  {
    ...idleConnections,
    name: "memory-idle",
    title: "Memory per idle TLS connection, fresh from its handshake",
    label: "memory: idle connection",
  },
  {
    ...idleConnections,
    name: "memory-used",
    title: "Memory per idle TLS connection, after a 300 KB download on each",
    label: "memory: idle after 300 KB",
    plan: { downloadBytes: 300_000 },
  },
];

const latency = {
  family: "latency",
  unit: "us",
  perUnit: 1,
  decimals: 0,
  load: "latency",
  terms: usualTerms,
  concurrency: 64,
  // The rate is found when HAProxy's capacity is known; these are seconds of it.
  operations: 5,
  warmUpOperations: 2,
} as const;

/** Both are of the same runs. */
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
    aims: { bun: 1, node: 1.3 },
  },
];

/** Closed loop, as fast as it goes: what a subject can do when nothing else holds it back. */
export const capacityCase: BenchCase = {
  ...latency,
  name: "capacity",
  title: "Keep-alive requests per second",
  label: "capacity",
  load: "open-requests",
  operations: 60_000,
  warmUpOperations: 20_000,
};
