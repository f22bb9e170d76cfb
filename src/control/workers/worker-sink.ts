import type { CertificateReport } from "#model/records/certificate-report.ts";
import type { ConnectionRecord } from "#model/records/connection-record.ts";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import type { ServerReport } from "#model/records/server-report.ts";
import type { ListenerName } from "#model/names.ts";

export type NoticeLevel = "info" | "warn" | "error";

/** Receives what workers report. Everything has been checked and is bounded. */
export interface WorkerSink {
  counted(workerId: number, listeners: Readonly<Record<ListenerName, readonly number[]>>): void;
  servers(workerId: number, reports: readonly ServerReport[]): void;
  certificates(reports: readonly CertificateReport[]): void;
  events(events: WorkerEvents): void;
  lines(lines: WorkerLines): void;
}

/** Access lines that may be written to the log as they are. */
export interface WorkerLines {
  /** Whole lines, each with its line break. They are valid only until the call returns. */
  readonly bytes: Buffer;
  readonly count: number;
  /** How many lines were left out. */
  readonly dropped: number;
}

/** What a worker has recorded since its last report. */
export interface WorkerEvents {
  readonly handshakes: readonly HandshakeRecord[];
  readonly connections: readonly ConnectionRecord[];
  readonly dropped: number;
}
