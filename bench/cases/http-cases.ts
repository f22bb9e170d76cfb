import { defaultTls, type HttpPlan } from "../load/messages.ts";
import type { BenchCase } from "./cases.ts";

/** Answers of 48 bytes with their head. */
export const shortRequest: HttpPlan = { request: "short", bodyBytes: 10 };

/** What all cases of mode http have in common. */
export const httpCase = {
  category: "http",
  measure: "cpu",
  unit: "us",
  perUnit: 1_000,
  decimals: 1,
  setup: {
    mode: "http",
    hasAccessLog: false,
    ecdsaListeners: 1,
    rsaListeners: 0,
    workers: 1,
    maxConnections: 6_000,
  },
  tls: defaultTls,
  load: "open-requests",
  concurrency: 64,
  operations: 40_000,
  warmUpOperations: 60_000,
  plan: { http: shortRequest },
} as const;

const latency = {
  ...httpCase,
  measure: "latency",
  perUnit: 1,
  decimals: 0,
  load: "latency",
  operations: 5,
  warmUpOperations: 2,
} as const;

/** The cases of each row are measured in the same runs. */
export const httpCases: readonly (readonly BenchCase[])[] = [
  [
    {
      ...httpCase,
      name: "http-48",
      title: "HTTP: CPU per keep-alive request with an answer of 48 bytes",
      label: "HTTP request, answer of 48 B",
    },
  ],
  [
    {
      ...httpCase,
      name: "http-16k",
      title: "HTTP: CPU per keep-alive request with an answer of 16 KB",
      label: "HTTP request, answer of 16 KB",
      operations: 20_000,
      plan: { http: { request: "short", bodyBytes: 16_384 } },
    },
  ],
  [
    {
      ...httpCase,
      name: "http-browser",
      title:
        "HTTP: CPU per keep-alive request with the head of a browser (568 bytes), answer of 48 bytes",
      label: "HTTP request of a browser",
      plan: { http: { ...shortRequest, request: "browser" } },
    },
  ],
  [
    {
      ...httpCase,
      name: "http-new",
      title:
        "HTTP: CPU per connection with one request: full handshake (ECDSA P-256, X25519), answer of 48 bytes",
      label: "HTTP: handshake + request",
      decimals: 0,
      load: "handshakes",
      concurrency: 16,
      operations: 2_000,
      warmUpOperations: 3_000,
    },
  ],
  [
    {
      ...httpCase,
      name: "http-messages",
      title: "HTTP: CPU per message of 48 bytes on a WebSocket, there and back",
      label: "WebSocket message",
      load: "messages",
    },
  ],
  [
    {
      ...httpCase,
      name: "http-logged",
      title:
        "HTTP: CPU per keep-alive request with an answer of 48 bytes and a line in the access log",
      label: "HTTP request with access log",
      setup: { ...httpCase.setup, hasAccessLog: true },
    },
  ],
  [
    {
      ...latency,
      name: "http-latency-p50",
      title: "HTTP: latency at half of HAProxy's capacity, median",
      label: "HTTP latency, median",
    },
    {
      ...latency,
      name: "http-latency-p99",
      title: "HTTP: latency at half of HAProxy's capacity, 99th percentile",
      label: "HTTP latency, p99",
    },
  ],
  [
    {
      ...httpCase,
      name: "http-memory",
      measure: "memory",
      title: "HTTP: memory per idle connection after one request on each",
      label: "HTTP memory: idle connection",
      unit: "KB",
      load: "idle",
      concurrency: 32,
      operations: 4_000,
      warmUpOperations: 64,
    },
  ],
];
