/** Reply shapes of the admin API that control, cli and tests share. */
import type { CertificateFacts } from "../document/certificate.ts";
import type { Problem } from "../failure.ts";
import type { ListenerMode } from "../document/listener.ts";
import type { ListenerName, VnicName } from "../names.ts";
import type { Revision } from "../document/document.ts";

export type Engine = "bun" | "node";
export type WorkerState = "starting" | "serving" | "draining";

export interface WorkerStatus {
  readonly id: number;
  readonly pid: number;
  readonly engine: Engine;
  /** Runtime and TLS library, e.g. `bun 1.4.5, BoringSSL`. */
  readonly runtime: string;
  readonly state: WorkerState;
  /** Number of the snapshot it serves; 0 before the first. */
  readonly snapshot: number;
  readonly openConnections: number;
  readonly residentBytes: number;
  readonly loopDelayMs: number;
  /** ISO 8601. */
  readonly startedAt: string;
}

export interface ListenerStatus {
  readonly name: ListenerName;
  readonly port: number;
  readonly mode: ListenerMode;
  readonly to: string;
  readonly policy: string;
  readonly certificates: readonly string[];
  readonly openConnections: number;
}

export interface VnicStatus {
  readonly name: VnicName;
  readonly profile: string;
  readonly ip: string;
  /** What the operator asked for, and the actual state. */
  readonly admin: "up" | "down";
  readonly oper: "up" | "down";
  readonly servers: readonly string[];
  readonly listeners: readonly ListenerStatus[];
}

export interface CertificateStatus {
  readonly name: string;
  readonly source: "files";
  /** The version that is served. */
  readonly facts: CertificateFacts;
  /** `ok`, or why newer files are not served. */
  readonly state: "ok" | "refused";
  readonly problem?: string;
}

/** The result of reading the document again. */
export interface ReloadResult {
  /** Revision of the document that is in force now. */
  readonly revision: Revision;
  /** False if the document and its files are what was in force before. */
  readonly changed: boolean;
}

export interface DirectorStatus {
  readonly version: string;
  readonly state: "starting" | "serving" | "draining";
  readonly engine: Engine;
  readonly pid: number;
  readonly startedAt: string;
  readonly revision: Revision;
  /** Time of the last change that was applied, ISO 8601. */
  readonly changedAt: string;
  /** Why the last change was refused. Absent if it was applied. */
  readonly lastRefusal?: string;
  readonly workers: { readonly wanted: number; readonly serving: number };
  readonly openConnections: number;
  readonly certificates: readonly CertificateStatus[];
  /** What the document and its files in force should not have. Nothing is refused because of it. */
  readonly warnings: readonly Problem[];
  /** Conditions that an operator should act on, e.g. a missing privilege boundary. */
  readonly notices: readonly string[];
}
