import type { BenchKeyType } from "../proxies/tls-proxy.ts";

/** The server name that every client of the bench sends and verifies. */
export const benchServerName = "bench.test";
export const tlsVersion = "TLSv1.3";
export const cipherSuite = "TLS_AES_128_GCM_SHA256";
export type KeyExchangeGroup = "X25519" | "X25519MLKEM768";

/** What each connection of a case must negotiate. The TLS version and the cipher suite are the same in all cases. */
export interface TlsParameters {
  /** Key type of the certificate. Each type has a CA of its own, and the client trusts only that one. */
  readonly keyType: BenchKeyType;
  readonly group: KeyExchangeGroup;
  /** With `either`, the load counts resumptions: with several workers, a worker may be unable to open another's ticket. */
  readonly handshake: "full" | "resumed" | "either";
  /** The protocol that the client offers by ALPN. Default: it offers none. */
  readonly alpn?: "h2";
}

export const defaultTls: TlsParameters = { keyType: "ecdsa", group: "X25519", handshake: "full" };

/** The listeners of a proxy that a load connects to, in turn. */
export interface Target {
  readonly listeners: readonly SocketAddress[];
  readonly caPem: string;
}

export interface SocketAddress {
  readonly virtualIp: string;
  readonly port: number;
}

export type LoadName =
  | "handshakes"
  | "requests"
  | "open-requests"
  | "messages"
  | "bulk"
  | "idle"
  | "h2load"
  | "idle-http2"
  | "latency";

/** A request over HTTP, for proxies that may change heads. */
export interface HttpPlan {
  /** `short` is a request line and Host. `browser` has the fields that a browser sends, 568 bytes with a short path. */
  readonly request: "short" | "browser";
  /** Bytes of the body of the answer. */
  readonly bodyBytes: number;
}

export interface LoadPlan {
  readonly load: LoadName;
  readonly target: Target;
  readonly tls: TlsParameters;
  /** How many operations are in progress at a time. */
  readonly concurrency: number;
  /** Total number of handshakes, requests, messages or connections. For `bulk`, the number of bytes. */
  readonly operations: number;
  /** How many connections `open-requests` and `h2load` open. Default: the concurrency, and for `h2load` 1. */
  readonly connections?: number;
  /** The requests are these, and answers are parsed. Default: requests and answers of 48 bytes that arrive unchanged. */
  readonly http?: HttpPlan;
  /** Direction of the bytes of `bulk`. */
  readonly direction?: "downstream" | "upstream";
  /** How many bytes `idle` reads on each connection before it leaves the connection idle. */
  readonly downloadBytes?: number;
  /** Arrival rate of `latency`. */
  readonly requestsPerSecond?: number;
}

/** A command to a load process. Only the reply to `run` has content: a LoadResult. */
export type LoadCommand =
  | { readonly type: "prepare"; readonly plan: LoadPlan }
  | { readonly type: "run" }
  | { readonly type: "close" };

export interface LoadResult {
  readonly operations: number;
  /** How many of the handshakes resumed a session. Present only if the plan allows either kind. */
  readonly resumed?: number;
  readonly latency?: Latency;
}

export interface Latency {
  readonly p50Us: number;
  readonly p99Us: number;
  /** How late the load itself sent its requests. The other two values include this delay. */
  readonly lateP99Us: number;
}

/** A command to the endpoint process. The reply to `listen` is `{ port }`, the reply to `count` is `{ open }`. */
export type EndpointCommand =
  | { readonly type: "listen" }
  | { readonly type: "count"; readonly port: number };

/** The reply to a command that failed. */
export interface FailedReply {
  readonly error: string;
}

/** A load that is ready to run, with the connections open that it needs. */
export interface PreparedLoad {
  run(): Promise<LoadResult>;
  close(): Promise<void>;
}
