import type { Document, Revision } from "#model/document/document.ts";
import type { Problem } from "#model/failure.ts";
import type { Sources } from "./certificates/sources.ts";
import type { ChangeDifference } from "./change-difference.ts";
import type { CheckedDocument } from "./check-file.ts";
import type { Compiled } from "./compile-snapshot.ts";

/** The origin of a change. */
export type Actor = "start" | "SIGHUP" | "api" | "certificate-watcher";

/** A change: the wanted state, the origin and the conditions. */
export interface Change {
  readonly wanted: Wanted;
  readonly actor: Actor;
  /** If another revision is in force, the change is refused with `revision-conflict`. 0 means that no document is in force yet. */
  readonly expectedRevision?: Revision;
  /** If true, the change is checked, compiled and tried by a fresh worker, but neither saved nor committed. */
  readonly dryRun?: boolean;
}

/** A change that waits in the queue. `want` reads and checks the wanted state when the earlier changes are done. */
export interface ChangeRequest extends Omit<Change, "wanted"> {
  readonly kind: Wanted["kind"];
  readonly want: () => Promise<Wanted>;
}

export type Wanted =
  | {
      readonly kind: "document";
      /** If it has errors, the change is refused. */
      readonly checked: CheckedDocument;
      /** Set only if the document must be served without being saved. */
      readonly known?: Pick<StateInForce, "revision" | "isSaved">;
    }
  | {
      /** New versions of files that the document in force names. */
      readonly kind: "certificates";
      readonly sources: Sources;
    };

/** The state that every worker serves. A new worker serves it before it accepts connections. */
export interface StateInForce {
  readonly revision: Revision;
  /** False if the director started with this document and could not save it. */
  readonly isSaved: boolean;
  readonly document: Document;
  readonly sources: Sources;
  readonly compiled: Compiled;
  /** ISO 8601. */
  readonly changedAt: string;
}

export interface ChangeResult {
  /** The revision of the wanted state. After a dry run it is the revision that the change would have got. */
  readonly revision: Revision;
  /** False if the wanted state was in force already. */
  readonly isChanged: boolean;
  /** Computes the difference. This is slow for thousands of listeners. */
  readonly difference: () => ChangeDifference;
  readonly warnings: readonly Problem[];
  readonly before: StateInForce | undefined;
  /** The state in force now. It is `before` itself if nothing was changed, and after a dry run. */
  readonly after: StateInForce | undefined;
}
