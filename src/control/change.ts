import type { Document, Revision } from "#model/document/document.ts";
import type { Problem } from "#model/failure.ts";
import type { Sources } from "./certificates/sources.ts";
import type { ChangeDifference } from "./change-difference.ts";
import type { CheckedDocument } from "./check-file.ts";
import type { Compiled } from "./compile-snapshot.ts";

/** What asked for a change. */
export type Actor = "start" | "SIGHUP" | "api" | "certificate-watcher";

/** A change as a value: what is wanted, what asked for it, and on which terms. */
export interface Change {
  readonly wanted: Wanted;
  readonly actor: Actor;
  /** The change is refused with `revision-conflict` if another revision is in force; 0 is before the first. */
  readonly expectedRevision?: Revision;
  /** The change is checked, compiled and tried by a fresh worker, and then neither saved nor committed. */
  readonly dryRun?: boolean;
}

/** A change that waits for its turn. What it wants is read and checked when the changes before it are done. */
export interface ChangeRequest extends Omit<Change, "wanted"> {
  readonly kind: Wanted["kind"];
  readonly want: () => Promise<Wanted>;
}

export type Wanted =
  | {
      readonly kind: "document";
      /** A document with errors is refused. */
      readonly checked: CheckedDocument;
      /** Set only for a document that is to be served without being saved. */
      readonly known?: Pick<StateInForce, "revision" | "isSaved">;
    }
  | {
      /** New versions of what the document in force names. */
      readonly kind: "certificates";
      readonly sources: Sources;
    };

/** What every worker serves, or will before it accepts. */
export interface StateInForce {
  readonly revision: Revision;
  /** False for a document that a director started with and could not save. */
  readonly isSaved: boolean;
  readonly document: Document;
  readonly sources: Sources;
  readonly compiled: Compiled;
  /** ISO 8601. */
  readonly changedAt: string;
}

export interface ChangeResult {
  /** The revision of what is wanted. After a dry run it is the one that the change would have got. */
  readonly revision: Revision;
  /** False if what is wanted was in force already. */
  readonly isChanged: boolean;
  /** Works out what differs, which takes a while for thousands of listeners. */
  readonly difference: () => ChangeDifference;
  readonly warnings: readonly Problem[];
  readonly before: StateInForce | undefined;
  /** What is in force now: `before` itself if nothing was changed, which includes a dry run. */
  readonly after: StateInForce | undefined;
}
