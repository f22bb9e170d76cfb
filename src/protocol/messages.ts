/** The only bridge between control process and workers. JSON values only: no Buffer, Map or Error passes. */
import type { ConnectionRecord } from "#model/records/connection-record.ts";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import type { FailureCode } from "#model/failure.ts";
import type { ListenerName, MaterialId } from "#model/names.ts";
import type { Material, SnapshotListener, SnapshotVnic } from "#model/records/snapshot.ts";

/** Raised by every change of a message. */
export const PROTOCOL_VERSION = 3;

/** The difference of a snapshot to the one numbered `base`; to nothing when base is 0. */
export interface Prepare {
  readonly type: "prepare";
  readonly number: number;
  readonly base: number;
  /** New and changed listeners, whole. */
  readonly listeners: readonly SnapshotListener[];
  readonly removed: readonly ListenerName[];
  /** All of them: they are small. */
  readonly vnics: readonly SnapshotVnic[];
  readonly maxConnections: number;
  readonly relayMemoryBytes: number;
  /** What the listeners refer to and this worker has not got. */
  readonly material: Readonly<Record<MaterialId, Material>>;
  /**
   * Given to a probe worker, which is ended before it could serve: only these listeners are opened, and no more than this
   * prepare is asked of it.
   */
  readonly opensOnly?: readonly ListenerName[];
}

export type ToWorker =
  | Prepare
  | { readonly type: "commit"; readonly number: number }
  | { readonly type: "rollback"; readonly number: number }
  /** Stop accepting, let connections end, cut the rest at the deadline, exit. */
  | { readonly type: "drain"; readonly deadlineMs: number }
  /** Health of endpoints from active checks; keys of `endpointKeyOf`. Those not named are up. */
  | { readonly type: "health"; readonly down: readonly string[] }
  /** Base key of session tickets, base64 of 32 bytes. Each scope derives its own. */
  | { readonly type: "ticket-keys"; readonly key: string };

export type ToControl =
  | {
      readonly type: "ready";
      readonly protocol: number;
      readonly runtime: string;
    }
  | {
      readonly type: "heartbeat";
      readonly openConnections: number;
      readonly residentBytes: number;
      readonly loopDelayMs: number;
    }
  | { readonly type: "prepared"; readonly number: number }
  | {
      readonly type: "refused";
      readonly number: number;
      readonly code: FailureCode;
      readonly detail: string;
    }
  | { readonly type: "committed"; readonly number: number }
  | { readonly type: "rolled-back"; readonly number: number }
  /** What was added since the last one: flat pairs of slot and amount for each listener. Gauges are absolute. */
  | {
      readonly type: "counted";
      readonly listeners: Readonly<Record<ListenerName, readonly number[]>>;
    }
  | {
      readonly type: "events";
      readonly handshakes: readonly HandshakeRecord[];
      readonly connections: readonly ConnectionRecord[];
      /** Records that did not fit since the last message. */
      readonly dropped: number;
    }
  /** Something a person should read that belongs to no connection. Bounded length. */
  | { readonly type: "notice"; readonly level: "info" | "warn" | "error"; readonly text: string }
  /** Once after `drain`: it accepts no more. */
  | { readonly type: "draining" }
  | { readonly type: "drained"; readonly cut: number };
