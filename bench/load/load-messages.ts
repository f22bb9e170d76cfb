import type { Terms } from "./terms.ts";
import type { Target } from "./tls-client.ts";

/** What the bench tells a load process, over IPC. */
export type LoadOrder =
  | { readonly type: "prepare"; readonly plan: LoadPlan }
  | { readonly type: "go" }
  | { readonly type: "close" };

/** What a load process answers, one reply to each order. */
export type LoadReply =
  | { readonly type: "prepared" }
  | ({ readonly type: "done" } & LoadOutcome)
  | { readonly type: "closed" }
  | { readonly type: "failed"; readonly sentence: string };

export interface LoadPlan {
  readonly target: Target;
  readonly terms: Terms;
  /** Operations in flight at a time. */
  readonly concurrency: number;
  /** Handshakes, requests, connections or bytes in all. */
  readonly operations: number;
  /** Connections that are open, where that is not the concurrency. */
  readonly connections?: number;
  /** bulk: which way the bytes go. */
  readonly direction?: "downstream" | "upstream";
  /** idle: what each connection reads before it is left alone. */
  readonly downloadBytes?: number;
  /** latency: arrivals. */
  readonly requestsPerSecond?: number;
}

export interface LoadOutcome {
  readonly operations: number;
  /** Of them, handshakes that resumed a session; where a plan asks for either kind. */
  readonly resumed?: number;
  readonly latency?: Latency;
}

export interface Latency {
  readonly p50Us: number;
  readonly p99Us: number;
  /** How late the load itself was to send; it is part of the other two. */
  readonly lateP99Us: number;
}

/** The endpoint's side: one port for each subject, so that their closed connections do not share ports. */
export type EndpointOrder =
  | { readonly type: "listen" }
  | { readonly type: "count"; readonly port: number };

export type EndpointReply =
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "counted"; readonly open: number };
