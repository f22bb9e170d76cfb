/**
 * The messages between the control process and its workers. They consist of JSON values only: a Buffer, Map or Error does not
 * arrive as one. Nothing checks the messages to a worker, because a worker trusts the control process, so their types are
 * written here. The control process checks the messages of a worker by the schemas from which their types derive.
 */
import type { CertificateName, ListenerName, MaterialId, VnicName } from "#model/names.ts";
import type { ConnectionFilter } from "#model/records/open-connection.ts";
import type {
  Material,
  SnapshotCertificate,
  SnapshotListener,
  SnapshotVnic,
} from "#model/records/snapshot.ts";

/** Must be incremented with every change of a message. */
export const PROTOCOL_VERSION = 11;

/**
 * Asks the worker to show which certificate it presents to clients of a listener. The worker listens on the socket
 * `proofSocketOf(token)` until a connection has started with the token, and for 2 s at most. That connection gets a
 * handshake by the rules of the listener, and is then closed.
 */
export interface Prove {
  readonly type: "prove";
  readonly number: number;
  readonly listener: ListenerName;
  /** Base64 of 32 random bytes. */
  readonly token: string;
}

/** The difference between a snapshot and the one that has the number `base`. If `base` is 0, it is the whole snapshot. */
export interface Prepare {
  readonly type: "prepare";
  readonly number: number;
  readonly base: number;
  /** Each new or changed listener, with all of its settings. */
  readonly listeners: readonly SnapshotListener[];
  readonly removed: readonly ListenerName[];
  /** Each certificate name that is new or that stands for another version. */
  readonly certificates: readonly SnapshotCertificate[];
  readonly removedCertificates: readonly CertificateName[];
  /** Each new or changed vNIC. */
  readonly vnics: readonly SnapshotVnic[];
  readonly removedVnics: readonly VnicName[];
  /** All absent virtual IPs of the snapshot. */
  readonly absentIps: readonly string[];
  readonly maxConnections: number;
  readonly relayMemoryBytes: number;
  /** The material that listeners and certificates refer to and that the worker does not have yet. */
  readonly material: Readonly<Record<MaterialId, Material>>;
  /**
   * The only listeners that a probe worker opens. A probe worker is ended when it has answered, before it could serve clients.
   * Absent for every other worker.
   */
  readonly opensOnly?: readonly ListenerName[];
}

/** A `prepare` to be sent. Each material is asked for when it is written, so that few private keys are in memory at a time. */
export interface UnsentPrepare extends Omit<Prepare, "material"> {
  readonly material: ReadonlyMap<MaterialId, () => Material>;
}

/** Every message to a worker but `prepare`. */
export type OtherToWorker = Exclude<ToWorker, { readonly type: "prepare" }>;

export type Unsent = UnsentPrepare | OtherToWorker;

/**
 * A deadline at which open connections to servers are cut. Only those are cut that were open when the worker received the
 * cut for the first time. It has either a profile or a server.
 */
export interface PlannedCut {
  /** A worker that has the cut already keeps its deadline. */
  readonly number: number;
  /** The time that is left. */
  readonly inMs: number;
  /** Connections of this profile. */
  readonly profile?: string;
  /** Connections to this server. */
  readonly server?: string;
  /** If there is a profile, servers whose connections go on. Otherwise profiles whose connections go on. */
  readonly except: readonly string[];
}

export type ToWorker =
  | Prepare
  | Prove
  /** `standby` is like that of the message `standby`, and takes effect together with the snapshot. */
  | { readonly type: "commit"; readonly number: number; readonly standby: readonly string[] }
  | { readonly type: "rollback"; readonly number: number }
  /** Stop accepting connections, wait until the open ones have ended, end the rest at the deadline, and exit. */
  | { readonly type: "drain"; readonly deadlineMs: number }
  /** Asks for open connections that match. They are a sample if there are more than `limit`. */
  | {
      readonly type: "list-connections";
      readonly number: number;
      readonly filter: ConnectionFilter;
      readonly limit: number;
    }
  /** Cuts the open connections that match. */
  | {
      readonly type: "cut-connections";
      readonly number: number;
      readonly filter: ConnectionFilter;
    }
  /**
   * All cuts that are planned, in place of those that the worker has. It follows each commit, so that a cut is planned or
   * taken back together with the change that is the reason for it.
   */
  | { readonly type: "cuts"; readonly cuts: readonly PlannedCut[] }
  /** The endpoints that active checks find down, as keys of `checkedKeyOf`. All others are up. */
  | { readonly type: "health"; readonly down: readonly string[] }
  /** The names of all profiles that standby servers serve. The servers of the others serve. */
  | { readonly type: "standby"; readonly profiles: readonly string[] }
  /** The base key of session tickets: base64 of 32 bytes. The worker derives a key for each session scope from it. */
  | { readonly type: "ticket-keys"; readonly key: string };

export type { ToControl } from "#model/records/messages-to-control.ts";
