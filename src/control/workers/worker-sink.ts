import type { CertificateReport } from "#model/records/certificate-report.ts";
import type { ConnectionRecord } from "#model/records/connection-record.ts";
import type { ExchangeRecord } from "#model/records/exchange-record.ts";
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
}

/** What a worker has recorded since its last report. */
export interface WorkerEvents {
  readonly handshakes: readonly HandshakeRecord[];
  readonly connections: readonly ConnectionRecord[];
  readonly exchanges: readonly ExchangeRecord[];
  readonly dropped: number;
}
