import type { ListenerName } from "#model/names.ts";
import type { Document, Revision } from "#model/document/document.ts";
import type { PathChange } from "#model/document/path-change.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import type { Problem } from "#model/failure.ts";
import type { CertificateProof } from "#model/records/certificate-proof.ts";
import type { VersionChange } from "#model/records/certificate-version.ts";
import type { Author, RevisionRecord } from "#model/records/revision.ts";
import type { Sources } from "../certificates/sources.ts";
import type { CheckedDocument } from "../check-file.ts";
import type { Compiled } from "../compile-snapshot.ts";
import type { TicketEpochs } from "../listener-owner.ts";
import type { Absences } from "../network/absence.ts";
import type { Head } from "../state/store.ts";
import type { ChangeEffect } from "./change-effect.ts";
import type { CutTerm } from "./cut-term.ts";

/** A change that is asked for: its author, what is wanted, and the condition under which it is made. */
export interface ChangeRequest {
  readonly kind: Wanted["kind"];
  readonly by: Author;
  /** Why, in the words of the author. */
  readonly reason?: string;
  /** It applies also if the document does not change. */
  readonly cut?: CutTerm;
  /** Whether no session resumes that was made before on a listener whose clients are shown another certificate after the change. */
  readonly forgetsSessions?: boolean;
  /**
   * Throws DirectorError if the change must not be made to the state in force. It is called before the change is queued, so that
   * a stale change is refused at once, and again when its turn has come.
   */
  readonly precondition?: (inForce: StateInForce | undefined) => void;
  /** Reads and checks the wanted state. It is called when the earlier changes are done. Throws DirectorError. */
  readonly want: (inForce: StateInForce | undefined) => Promise<Wanted>;
  /** Aborts when the client has gone. A change that has not started by then does not start. */
  readonly signal?: AbortSignal;
}

export type Wanted = WantedDocument | WantedSources | WantedAddresses;

export interface WantedDocument {
  readonly kind: "document";
  /** If it has errors, the change is refused. */
  readonly checked: CheckedDocument;
  /** The document of the file, if it has been read and becomes the one that was last applied. */
  readonly file?: WrittenDocument;
  /** `change` by default. */
  readonly cause?: RevisionRecord["cause"];
  /** If the change is an undo, the revision that it takes back. If it is a restore, the revision with the restored document. */
  readonly undoes?: Revision;
  /** The versions of certificates that are saved with the document. */
  readonly versions?: WantedVersions;
  /** Set only if the document must be served without being saved. */
  readonly known?: Pick<StateInForce, "revision" | "isSaved">;
}

/** Versions of certificates in the inventory that come or become active. */
export interface WantedVersions {
  readonly changes: readonly VersionChange[];
  /** Saves them in one transaction with `heads`. Resolves to false if the state has changed meanwhile. */
  readonly save: (heads?: readonly Head[]) => Promise<boolean>;
}

/** New versions of files that the document in force names. */
export interface WantedSources {
  readonly kind: "certificates";
  readonly sources: Sources;
}

/** The virtual IPs that this machine has now. */
export interface WantedAddresses {
  readonly kind: "addresses";
  readonly absences: Absences;
  /** Whether the workers are asked even if the same addresses are absent, because one of them could not open a listener. */
  readonly isForced: boolean;
}

/** The state that every worker serves. A new worker serves it before it accepts connections. */
export interface StateInForce {
  readonly revision: Revision;
  /** False if the director started with this document and could not save it. */
  readonly isSaved: boolean;
  /** The document with all defaults. */
  readonly document: Document;
  readonly written: WrittenDocument;
  readonly sources: Sources;
  /** The virtual IPs of the document on which no listener is opened. */
  readonly absences: Absences;
  /** The addresses and ports that workers hold, also while their virtual IPs are absent. */
  readonly held: ReadonlySet<string>;
  readonly compiled: Compiled;
  readonly ticketEpochs: TicketEpochs;
  /** ISO 8601. */
  readonly changedAt: string;
}

/** What a change does, or would do after a dry run. */
export interface ChangePlan {
  /** False if the wanted state is in force already. */
  readonly isChanged: boolean;
  /** Returns what differs in the document. It is computed at the first call, which takes long for a large document. */
  readonly changes: () => readonly PathChange[];
  readonly effect: () => ChangeEffect;
  readonly warnings: readonly Problem[];
  /** The versions of certificates in the inventory that come or become active. */
  readonly versions: readonly VersionChange[];
  readonly before: StateInForce | undefined;
}

export interface ChangeResult extends ChangePlan {
  /** What workers have shown. Undefined if clients are shown no other certificates than before, and at the start. */
  readonly proof?: CertificateProof;
  /** The listeners whose earlier sessions do not resume after the change. Undefined if there are none. */
  readonly endsSessionsOf?: readonly ListenerName[];
  /** The state in force now. It is `before` itself if nothing was changed. */
  readonly after: StateInForce;
}
