import type { DirectorError, Problem } from "#model/failure.ts";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import type { ListenerName } from "#model/names.ts";
import type { ChangeRequest, ChangeResult } from "./change.ts";
import type { Notice } from "./notice.ts";
import type { RestartCause } from "./telemetry/director-metrics.ts";
import type { NoticeLevel } from "./workers/worker-sink.ts";

/** Everything that happens in the control process and that somebody may want to know. */
export type DirectorEvent = PhaseEvent | ChangeEvent | WorkerEvent | EndpointEvent | NoticeEvent;

type PhaseEvent =
  | { readonly name: "ready"; readonly socketPath: string; readonly observe: string | undefined }
  | { readonly name: "draining"; readonly deadlineMs: number }
  /** `cut` is undefined if the director stopped without a drain, or with one that was cut short. */
  | { readonly name: "stopped"; readonly cut: number | undefined };

interface ChangeFacts extends Pick<ChangeRequest, "kind" | "actor"> {
  /** From the request to the last worker that serves the change, or to its refusal. */
  readonly seconds: number;
}

interface ChangeApplied extends ChangeFacts {
  readonly name: "change-applied";
  readonly result: ChangeResult;
}

interface ChangeUnchanged extends ChangeFacts {
  readonly name: "change-unchanged";
  readonly result: ChangeResult;
}

interface ChangeRefused extends ChangeFacts {
  readonly name: "change-refused";
  readonly refusal: DirectorError;
}

/** A dry run has no events. */
type ChangeEvent =
  | ChangeApplied
  | ChangeUnchanged
  | ChangeRefused
  /** The document is about to be applied. */
  | { readonly name: "document-warning"; readonly problem: Problem }
  | { readonly name: "restart-needed" }
  /** Found in files that are watched; the versions before stay. */
  | { readonly name: "certificate-warning" | "certificate-refused"; readonly problem: Problem };

type WorkerEvent =
  | {
      readonly name: "worker-ready";
      readonly worker: number;
      readonly pid: number;
      readonly runtime: string;
    }
  | {
      readonly name: "worker-gone";
      readonly worker: number;
      readonly exit: string;
      readonly livedMs: number;
      /** Undefined if the worker was told to leave. */
      readonly cause: RestartCause | undefined;
    }
  /** A worker has to be replaced. */
  | { readonly name: "worker-restarted"; readonly cause: RestartCause }
  | {
      readonly name: "worker-refused";
      readonly worker: number | undefined;
      readonly refusal: DirectorError | undefined;
      /** What a fresh worker made of the change, if one was asked: the refuser is replaced if it took it. */
      readonly probe?: "took" | "refused" | "failed";
    }
  /** A line of the worker's own, or one that says how it misbehaves. */
  | {
      readonly name: "worker-notice";
      readonly worker: number;
      readonly level: NoticeLevel;
      readonly text: string;
    }
  | { readonly name: "workers-replaced" }
  | { readonly name: "workers-not-replaced"; readonly error: unknown }
  /** The workers of a director that was killed were told to leave. */
  | { readonly name: "orphans-found"; readonly orphans: number }
  | { readonly name: "worker-record-unwritten" | "supervision-mistake"; readonly detail: string }
  /** At least one, all of them from one message of a worker. */
  | { readonly name: "handshakes-failed"; readonly handshakes: readonly HandshakeRecord[] };

type EndpointEvent =
  /** Keys of all endpoints that are down, whenever that changes. */
  { readonly name: "endpoints-down"; readonly down: readonly string[] } | EndpointChecked;

/** What an active check found. */
export interface EndpointChecked {
  readonly name: "endpoint-checked";
  readonly listener: ListenerName;
  readonly endpoint: string;
  /** Undefined if the endpoint is no longer checked. */
  readonly isUp: boolean | undefined;
}

type NoticeEvent =
  | { readonly name: "notice-raised"; readonly notice: Notice }
  /** `notice` is the event of a notice that was raised. */
  | { readonly name: "notice-over"; readonly notice: string };
