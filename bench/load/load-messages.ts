import type { Target } from "./tls-client.ts";

/** What the bench tells a load process, over IPC. */
export type LoadOrder =
  | { readonly type: "prepare"; readonly plan: LoadPlan }
  | { readonly type: "go" }
  | { readonly type: "close" };

/** What a load process answers, one reply to each order. */
export type LoadReply =
  | { readonly type: "prepared" }
  | { readonly type: "done"; readonly operations: number }
  | { readonly type: "closed" }
  | { readonly type: "failed"; readonly sentence: string };

export interface LoadPlan {
  readonly target: Target;
  /** Connections open at a time. */
  readonly concurrency: number;
  /** Handshakes, requests or bytes in all. */
  readonly operations: number;
}

/** The endpoint's side: one port for each subject, so that their closed connections do not share ports. */
export type EndpointOrder =
  | { readonly type: "listen" }
  | { readonly type: "count"; readonly port: number };

export type EndpointReply =
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "counted"; readonly open: number };
