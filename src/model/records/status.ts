/** Reply shapes of the admin API that control, cli and tests share. */
import type { CertificateFacts } from "../document/certificate.ts";
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
  /** `down` if the listener cannot be served, `impaired` if clients may be refused. */
  readonly oper: "up" | "impaired" | "down";
  /** Why its certificates or CA bundles keep it from being up. */
  readonly reason?: string;
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
  /** The version that is served. Absent if there is none. */
  readonly facts?: CertificateFacts;
  /**
   * `refused` if newer files cannot be used and an older version is served; `expired` or `not-yet-valid` if the version
   * that is served is not valid now; `unusable` if there is none that can be served.
   */
  readonly state: "ok" | "refused" | "expired" | "not-yet-valid" | "unusable";
  /** Why the state is not `ok`. */
  readonly problem?: string;
  /** What an operator should know about the version that is served. */
  readonly warnings: readonly string[];
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
  /** Conditions that an operator should act on, e.g. a missing privilege boundary. */
  readonly notices: readonly string[];
}
