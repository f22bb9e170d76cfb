import { DirectorError } from "#model/failure.ts";
import type { Revision } from "#model/document/document.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import type { RevisionRecord } from "#model/records/revision.ts";
import { entriesOf } from "#control/state/document-entries.ts";
import type { DocumentStore, NewRevision, StoredState } from "#control/state/document-store.ts";

type Saves = "well" | "not" | "without-telling";

interface Kept {
  readonly record: RevisionRecord;
  readonly document: WrittenDocument;
}

/** A store in memory whose saves can be made to fail. */
export class FakeDocumentStore implements DocumentStore {
  saves: Saves = "well";
  /** How often the newest revision can be read before that fails. */
  readsBeforeFailure = Number.POSITIVE_INFINITY;
  file: WrittenDocument | undefined;
  readonly #kept: Kept[] = [];

  async id(): Promise<string> {
    return "fake";
  }

  async latest(): Promise<StoredState | undefined> {
    this.readsBeforeFailure -= 1;
    if (this.readsBeforeFailure < 0) throw new DirectorError("state-unwritable", "unreadable");
    const newest = this.#kept.at(-1);
    return newest && { ...newest, file: this.file };
  }

  async save({ parent, document, file, ...why }: NewRevision): Promise<RevisionRecord> {
    if (this.saves === "not") throw new Error("disk full");
    const newest = this.#kept.at(-1)?.record.revision ?? 0;
    if (newest !== parent) throw new DirectorError("revision-conflict");
    const revision = parent + 1;
    const record = { revision, parent, at: "", hash: JSON.stringify(document), ...why };
    this.#kept.push({ record, document });
    if (file !== undefined) this.file = file;
    if (this.saves === "without-telling") throw new Error("connection lost");
    return record;
  }

  async noteFile(file: WrittenDocument): Promise<void> {
    this.file = file;
  }

  async revision(revision: Revision): Promise<Kept> {
    const found = this.#kept.find(({ record }) => record.revision === revision);
    if (found !== undefined) return found;
    const newest = this.#kept.at(-1)?.record.revision ?? 0;
    throw new DirectorError(revision <= newest ? "revision-gone" : "not-found");
  }

  async changedEntries(revision: Revision): Promise<ReadonlySet<string>> {
    const entriesIn = (wanted: Revision): ReadonlyMap<string, string> =>
      entriesOf(this.#kept.find(({ record }) => record.revision === wanted)?.document ?? {});
    const [before, after] = [entriesIn(revision - 1), entriesIn(revision)];
    const keys = [...before.keys(), ...after.keys()];
    return new Set(keys.filter((key) => before.get(key) !== after.get(key)));
  }

  async history(before: Revision, limit: number): Promise<readonly RevisionRecord[]> {
    const records = this.#kept.map(({ record }) => record).toReversed();
    return records.filter(({ revision }) => revision < before).slice(0, limit);
  }

  /** Forgets the revisions up to this one. */
  forget(revision: Revision): void {
    const kept = this.#kept.findIndex(({ record }) => record.revision > revision);
    this.#kept.splice(0, kept);
  }

  async close(): Promise<void> {}
}
