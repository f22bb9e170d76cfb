import type { ConnectionRecord } from "#model/connection-record.ts";
import type { HandshakeRecord } from "#model/handshake-record.ts";
import type { ListenerName } from "#model/names.ts";
import type { RestartCause } from "#control/telemetry/director-metrics.ts";

export type NoticeLevel = "info" | "warn" | "error";

/** Receives what workers report. Everything has been checked and is bounded. */
export interface WorkerSink {
  counted(workerId: number, listeners: Readonly<Record<ListenerName, readonly number[]>>): void;
  events(
    handshakes: readonly HandshakeRecord[],
    connections: readonly ConnectionRecord[],
    dropped: number,
  ): void;
  /** The worker has ended. */
  gone(workerId: number): void;
  /** The worker had to be replaced. */
  restarted(cause: RestartCause): void;
  /** A line for people, from a message of the worker or from its standard output. */
  notice(workerId: number, level: NoticeLevel, text: string): void;
}
