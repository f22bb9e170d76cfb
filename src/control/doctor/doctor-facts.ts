/** Facts about the machine and the director that the checks of `tlsd doctor` judge. A fact that cannot be read is undefined. */

export interface FolderFacts {
  readonly kind: "data" | "runtime";
  readonly path: string;
  /** Undefined if the folder does not exist. */
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly isWritable: boolean;
}

/** A socket of another process that listens at the addresses and the port of listeners. */
export interface OtherListener {
  /** Their names. */
  readonly listeners: readonly string[];
  readonly address: string;
  readonly uid: number;
  readonly process: { readonly pid: number; readonly name: string } | undefined;
}

export interface DoctorFacts {
  readonly nowMs: number;
  readonly ownUid: number;
  readonly pid: number;
  readonly openFiles: {
    /** The soft limit of the control process, which its workers inherit. */
    readonly limit: number;
    /** How many connections each worker may have with this limit. */
    readonly connectionsPerWorker: number;
    /** How many `director.maxConnections` wants of each worker. Undefined if it is `auto`. */
    readonly wantedPerWorker: number | undefined;
  };
  readonly migrateRequests: string | undefined;
  readonly somaxconn: number | undefined;
  readonly isNonlocalBindAllowed: boolean;
  /** Virtual IPs that this machine does not have. */
  readonly missingIps: readonly string[];
  /** Returns the command that adds a virtual IP to this machine. */
  readonly addCommandOf: (ip: string) => string;
  readonly virtualIpCount: number;
  readonly clock: {
    /** The time of the newest file of the director. */
    readonly newestFileMs: number | undefined;
    readonly certificates: readonly { readonly name: string; readonly notBeforeMs: number }[];
    /** Undefined if nothing on the machine says so. */
    readonly isSynchronised: boolean | undefined;
  };
  readonly folders: readonly FolderFacts[];
  readonly engine: {
    readonly name: string;
    readonly file: string;
    readonly isExecutable: boolean;
    /** Why the preferred engine is not used. */
    readonly notice: string | undefined;
    readonly servingWorkers: number;
    readonly wantedWorkers: number;
  };
  readonly users: readonly { readonly name: string; readonly exists: boolean | undefined }[];
  readonly others: readonly OtherListener[];
}
