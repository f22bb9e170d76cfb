import type { DirectorError, Problem } from "#model/failure.ts";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import type { ConnectionFilter } from "#model/records/open-connection.ts";
import type { CheckFailure } from "#model/records/outcome.ts";
import type { ServerOper } from "#model/records/status.ts";
import type { ListenerName, VnicName } from "#model/names.ts";
import type { ChangeRequest, ChangeResult } from "./change/change.ts";
import type { ListenerState } from "./listener-state.ts";
import type { Absence } from "./network/absence.ts";
import type { Notice } from "./notice.ts";
import type { MasterKeyChange } from "./sealing/sealed-keys.ts";
import type { RestartCause } from "./telemetry/director-metrics.ts";
import type { NoticeLevel } from "./workers/worker-sink.ts";

/** The events that the control process publishes for the log and the metrics. */
export type DirectorEvent =
  | PhaseEvent
  | ChangeEvent
  | WorkerEvent
  | EndpointEvent
  | NoticeEvent
  | OperatorEvent;

/** What an operator has done that is no change of the document. */
type OperatorEvent =
  | {
      readonly name: "connections-cut";
      readonly filter: ConnectionFilter;
      readonly cut: number;
    }
  | ({ readonly name: "master-key-set" } & MasterKeyChange)
  | CutPlanned
  | CutDone
  | ({ readonly name: "cut-taken-back" } & CutFacts);

/** The connections of a profile to servers that it has left, or the connections to a server. */
interface CutFacts {
  readonly profile?: string;
  readonly server?: string;
}

/** Open connections are cut at a deadline. */
interface CutPlanned extends CutFacts {
  readonly name: "cut-planned";
  readonly inMs: number;
}

/** The deadline has passed. */
interface CutDone extends CutFacts {
  readonly name: "cut-done";
  readonly cut: number;
}

type PhaseEvent =
  | { readonly name: "ready"; readonly socketPath: string; readonly observe: string | undefined }
  | { readonly name: "draining"; readonly deadlineMs: number }
  /** `cut` is how many connections were cut. It is undefined if the director did not drain, or did not finish the drain. */
  | { readonly name: "stopped"; readonly cut: number | undefined };

interface ChangeFacts extends Pick<ChangeRequest, "kind" | "by"> {
  readonly reason: string | undefined;
  /** The time from the request until every worker served the change, or until the refusal. */
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

/** A dry run causes no event. */
type ChangeEvent =
  | ChangeApplied
  | ChangeUnchanged
  | ChangeRefused
  /** Published before the document is applied. */
  | { readonly name: "document-warning"; readonly problem: Problem }
  | { readonly name: "restart-needed" }
  /** The certificates or CA bundles of the listener have changed its state. */
  | {
      readonly name: "listener-state";
      readonly listener: ListenerName;
      readonly state: ListenerState["state"];
      /** Undefined if the listener is up. */
      readonly reason: string | undefined;
    }
  /** The listeners of a vNIC are not open any more, or cannot be opened, because of its virtual IP. */
  | ({ readonly name: "address-missing"; readonly remedy: string | undefined } & Absence &
      AddressOfVnic)
  /** The listeners of the vNIC are open again. */
  | ({ readonly name: "address-appeared" } & AddressOfVnic)
  /** A problem in the watched files. The previous versions stay in use. */
  | { readonly name: "certificate-warning" | "certificate-refused"; readonly problem: Problem };

interface AddressOfVnic {
  readonly vnic: VnicName;
  readonly ip: string;
}

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
      /** Undefined if the control process had told the worker to exit. */
      readonly cause: RestartCause | undefined;
    }
  /** A worker has ended or is being killed, and must be replaced. */
  | { readonly name: "worker-restarted"; readonly cause: RestartCause }
  | {
      readonly name: "worker-refused";
      readonly worker: number | undefined;
      readonly refusal: DirectorError | undefined;
      /** The answer of a fresh worker, if one was asked. If it is `took`, the worker that refused is replaced. */
      readonly probe?: "took" | "refused" | "failed";
    }
  /** The worker has not shown the new version of a certificate. `isReplaced` is false if a fresh worker does no better. */
  | {
      readonly name: "certificate-unproven";
      readonly worker: number;
      readonly certificate: string;
      readonly reason: string;
      readonly isReplaced: boolean;
    }
  /** A virtual IP disappeared before the worker could listen on it. */
  | { readonly name: "worker-lacks-address"; readonly worker: number }
  /** A line that the worker printed, or a sentence about its misbehaviour. */
  | {
      readonly name: "worker-notice";
      readonly worker: number;
      readonly level: NoticeLevel;
      readonly text: string;
    }
  /** The revisions that an earlier version saved are now kept in the way of this version. */
  | { readonly name: "state-converted"; readonly revisions: number; readonly durationMs: number }
  | { readonly name: "workers-replaced" }
  | { readonly name: "workers-not-replaced"; readonly error: unknown }
  /** Workers of a director that was killed were found and told to exit. */
  | { readonly name: "orphans-found"; readonly orphans: number }
  | { readonly name: "worker-record-unwritten" | "supervision-mistake"; readonly detail: string }
  /** One or more failed handshakes from one message of a worker. */
  | { readonly name: "handshakes-failed"; readonly handshakes: readonly HandshakeRecord[] };

type EndpointEvent =
  /** `down` holds the keys of all endpoints that are down. Published when it changes. */
  | {
      readonly name: "endpoints-down";
      readonly down: readonly string[];
      /** The same endpoints with the names of their servers and vNICs. */
      readonly endpoints: readonly DownEndpoint[];
    }
  | EndpointChecked
  /** The checks or the connections of clients have changed the state of a server. */
  | {
      readonly name: "server-state";
      readonly server: string;
      readonly oper: ServerOper;
      readonly reason: string | undefined;
    }
  | StandbySwitch
  /** The servers of a profile go up and down too often, or have been up for long enough since. */
  | { readonly name: "flapping-began" | "flapping-ended"; readonly profile: string };

/** Standby servers serve the profile now, or its own servers do again. */
export interface StandbySwitch {
  readonly name: "standby-took-over" | "standby-gave-back";
  readonly profile: string;
  /**
   * `time` is the end of flapping, `change` a change of the document. `restart` means that an earlier run of the director had
   * decided it.
   */
  readonly cause: "checks" | "time" | "change" | "restart" | "operator";
  /** Why the standby servers took over. */
  readonly reason: string | undefined;
}

export interface DownEndpoint {
  readonly server: string;
  readonly endpoint: string;
  readonly vnics: readonly string[];
}

/** A listener that uses an active health check, and the server of the endpoint in its profile. */
export interface CheckUse {
  readonly listener: ListenerName;
  readonly server: string;
}

/** An active health check has another result, or other listeners use it. */
export interface EndpointChecked {
  readonly name: "endpoint-checked";
  /** The key of `checkedKeyOf`. */
  readonly key: string;
  readonly endpoint: string;
  readonly isUp: boolean;
  /** Why its last check failed. */
  readonly failure?: CheckFailure;
  /** The same in a sentence, with what the endpoint answered. */
  readonly text?: string;
  /** Why it is not known whether the endpoint is up, in a sentence. `isUp` then says whether it gets connections. */
  readonly untried?: string;
  /** All uses of the check. The check has ended if there is none. */
  readonly uses: readonly CheckUse[];
  /** The uses that have ended. */
  readonly left: readonly CheckUse[];
}

type NoticeEvent =
  | { readonly name: "notice-raised"; readonly notice: Notice }
  /** `notice` is the event of a notice that was raised. */
  | { readonly name: "notice-over"; readonly notice: string };
