import type { Author, RevisionRecord } from "#model/records/revision.ts";
import type { Revision } from "#model/document/document.ts";
import type { Head } from "./store.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";

/** The newest state that the store has. */
export interface StoredState {
  readonly record: RevisionRecord;
  readonly document: WrittenDocument;
  /** The document of the file as it was last applied. Undefined if no file was ever applied. */
  readonly file: WrittenDocument | undefined;
}

export interface NewRevision {
  /** The revision that must be the newest in the store, 0 if the store is empty. */
  readonly parent: Revision;
  readonly document: WrittenDocument;
  /** Set if the document of the file was applied. */
  readonly file?: WrittenDocument;
  readonly by: Author;
  readonly reason?: string;
  readonly cause: RevisionRecord["cause"];
  readonly undoes?: Revision;
  /**
   * Adds the heads of the revision to the store, in one transaction with others. Resolves to false if the state has changed
   * meanwhile. By default, they are added alone.
   */
  readonly advance?: (heads: readonly Head[]) => Promise<boolean>;
}

/** The revisions of the document. Every method rejects with DirectorError `state-unwritable` if the storage fails. */
export interface DocumentStore {
  /** Resolves to an id that no other store has. */
  id(): Promise<string>;
  /**
   * Rejects with `state-too-new` if a newer program wrote it. If the master key is not there, a secret of the document of the file is
   * taken for that in the same place of `file`, from then on.
   */
  latest(file?: WrittenDocument): Promise<StoredState | undefined>;
  /**
   * Resolves when the revision is on the disk. Rejects with `revision-conflict` if `parent` is not the newest revision. If it
   * rejects with `state-unwritable`, `latest` tells whether it was saved.
   */
  save(revision: NewRevision): Promise<RevisionRecord>;
  /** Notes that the document of the file equals the one in force, without a new revision. */
  noteFile(file: WrittenDocument): Promise<void>;
  /** Resolves to one revision. Rejects with `revision-gone` if it is not kept any more, and `not-found` if it never existed. */
  revision(
    revision: Revision,
  ): Promise<{ readonly record: RevisionRecord; readonly document: WrittenDocument }>;
  /** Resolves to the keys of the entries in which the revision is different from its parent. See `isEntryOfPath`. */
  changedEntries(revision: Revision): Promise<ReadonlySet<string>>;
  /** Resolves to up to `limit` revisions below `before`, the newest first. */
  history(before: Revision, limit: number): Promise<readonly RevisionRecord[]>;
  close(): Promise<void>;
}
