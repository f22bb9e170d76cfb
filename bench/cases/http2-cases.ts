import type { BenchCase } from "./cases.ts";
import { httpCase, shortRequest } from "./http-cases.ts";

const shared = {
  ...httpCase,
  category: "h2",
  setup: { ...httpCase.setup, mode: "h2" },
  tls: { ...httpCase.tls, alpn: "h2" },
  load: "h2load",
} as const;

/** Answers by the bytes of their bodies. Those of 10 bytes have 48 with their head on HTTP/1.1. */
const answers = [
  { suffix: "48", text: "48 bytes", label: "48 B", bodyBytes: 10, operations: 80_000 },
  { suffix: "16k", text: "16 KB", label: "16 KB", bodyBytes: 16_384, operations: 30_000 },
] as const;

const requests = (connections: number, streams: number): readonly BenchCase[] =>
  answers.map(({ suffix, text, label, bodyBytes, operations }) => ({
    ...shared,
    name: `h2-${connections}x${streams}-${suffix}`,
    title: `HTTP/2: CPU per request, connections: ${connections}, streams on each: ${streams}, answer of ${text}`,
    label: `HTTP/2, ${connections} x ${streams}, ${label}`,
    concurrency: connections * streams,
    operations,
    warmUpOperations: operations / 2,
    plan: { connections, http: { ...shortRequest, bodyBytes } },
  }));

const idle: BenchCase = {
  ...shared,
  name: "h2-memory",
  measure: "memory",
  title: "HTTP/2: memory per idle connection after one request on each",
  label: "HTTP/2 memory: idle connection",
  unit: "KB",
  load: "idle-http2",
  concurrency: 32,
  operations: 4_000,
  warmUpOperations: 64,
};

export const http2Cases: readonly BenchCase[] = [
  ...requests(1, 100),
  ...requests(16, 10),
  ...requests(64, 1),
  idle,
];
