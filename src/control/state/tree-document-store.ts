import { isDeepStrictEqual } from "node:util";
import type { Revision } from "#model/document/document.ts";
import { DOCUMENT_SCHEMA, UNSEALED_SCHEMA } from "#model/document/migrations/migrate-document.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { DirectorError } from "#model/failure.ts";
import type { RevisionRecord } from "#model/records/revision.ts";
import { Collection, type KeptHistory } from "./collection.ts";
import { documentOfTexts, entriesOf } from "./document-entries.ts";
import { DOCUMENT_LINE, FILE_LINE } from "./document-lines.ts";
import type { DocumentStore, NewRevision, StoredState } from "./document-store.ts";
import type { Entries, EntrySecrets, StoredEntries } from "./entry-secrets.ts";
import { EntryTrees, type EntryTree } from "./entry-trees.ts";
import {
  checkSchema,
  migrated,
  recordOf,
  revisionHeadOf,
  rootOf,
  type Origin,
} from "./revision-head.ts";
import { sealHistory } from "./seal-history.ts";
import { MAX_OPERATIONS, UNREFERENCED_MS, type Head, type Store } from "./store.ts";

export interface TreeDocumentStoreOptions {
  readonly store: Store;
  /** The folder to which the paths in documents of schema 1 are relative. */
  readonly folder: string;
  /** Version of the program. */
  readonly program: string;
  readonly secrets: EntrySecrets;
  readonly kept?: KeptHistory;
  /** Called when old revisions have been deleted, to delete what they alone needed. */
  readonly onForgotten?: () => Promise<void>;
}

/** A head and what it refers to. */
interface Known {
  readonly storeId: string;
  readonly head: Head;
  readonly tree: EntryTree;
  /** The entries of the tree, with their secrets. */
  readonly opened: Entries;
  readonly document: WrittenDocument;
}

/** Entries that are on the disk and that no head has yet. */
type Written = Pick<Known, "tree" | "opened" | "document"> & { readonly isSealed: boolean };

/** Keeps the revisions of the document in lines of a store, and the newest of them in memory. */
export class TreeDocumentStore implements DocumentStore {
  readonly #store: Store;
  readonly #options: TreeDocumentStoreOptions;
  readonly #trees: EntryTrees;
  readonly #collection: Collection;
  readonly #newest = new Map<string, Known>();
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(options: TreeDocumentStoreOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#trees = new EntryTrees(options.store);
    this.#collection = new Collection(options);
  }

  id(): Promise<string> {
    return this.#store.id();
  }

  async latest(file?: WrittenDocument): Promise<StoredState | undefined> {
    const latest = await this.#latest();
    const noted = this.#newest.get(FILE_LINE);
    if (file === undefined || noted === undefined) return latest;
    const { secrets } = this.#options;
    if (!(await secrets.assume(noted.tree.texts, entriesOf(file)))) return latest;
    this.#newest.clear();
    return this.#latest();
  }

  async #latest(): Promise<StoredState | undefined> {
    const storeId = await this.#store.id();
    const newest = await this.#newestOf(DOCUMENT_LINE, storeId);
    if (newest === undefined) return undefined;
    const file = await this.#newestOf(FILE_LINE, storeId, newest);
    const { head, document } = newest;
    return { record: recordOf(head), document, file: file?.document };
  }

  save(revision: NewRevision): Promise<RevisionRecord> {
    return this.#inTurn(() => this.#save(revision));
  }

  noteFile(file: WrittenDocument): Promise<void> {
    return this.#inTurn(async () => {
      const startedMs = performance.now();
      const storeId = await this.#store.id();
      const newest = await this.#newestOf(DOCUMENT_LINE, storeId);
      const noted = await this.#newestOf(FILE_LINE, storeId, newest);
      const isNoted = noted !== undefined && isDeepStrictEqual(noted.document, file);
      if (isNoted && noted.head.schema === DOCUMENT_SCHEMA) return;
      const { isSealed, ...written } = await this.#write(file, newest ?? noted);
      const head = fileHeadOf(noted?.head, written.tree, this.#origin(isSealed));
      await this.#advance([{ storeId, head, ...written }], startedMs);
    });
  }

  /** Opens secrets again that could not be opened. Resolves to false if there are none or the master key is still not there. */
  reopen(): Promise<boolean> {
    return this.#inTurn(async () => {
      const canReopen = await this.#options.secrets.canReopen();
      if (canReopen) this.#newest.clear();
      return canReopen;
    });
  }

  /** Seals the secrets of all revisions that earlier versions have stored. */
  sealHistory(): Promise<void> {
    return this.#inTurn(async () => {
      const { store, secrets, folder } = this.#options;
      if (await sealHistory({ store, secrets, folder })) this.#newest.clear();
    });
  }

  async revision(
    revision: Revision,
  ): Promise<{ readonly record: RevisionRecord; readonly document: WrittenDocument }> {
    const [head] = await this.#store.heads(DOCUMENT_LINE, revision + 1, 1);
    if (head?.number !== revision) throw await this.#absent(revision);
    const { document } = await this.#read(head, this.#newest.get(DOCUMENT_LINE));
    return { record: recordOf(head), document };
  }

  async changedEntries(revision: Revision): Promise<ReadonlySet<string>> {
    const [head, parent] = await this.#store.heads(DOCUMENT_LINE, revision + 1, 2);
    if (head?.number !== revision) throw await this.#absent(revision);
    return this.#trees.differentKeys(parent && rootOf(parent.roots), rootOf(head.roots));
  }

  async history(before: Revision, limit: number): Promise<readonly RevisionRecord[]> {
    const heads: Head[] = [];
    while (heads.length < limit) {
      const below = heads.at(-1)?.number ?? before;
      const wanted = Math.min(limit - heads.length, MAX_OPERATIONS);
      const page = await this.#store.heads(DOCUMENT_LINE, below, wanted);
      heads.push(...page);
      if (page.length < wanted) break;
    }
    return heads.map(recordOf);
  }

  async close(): Promise<void> {
    await this.#collection.stop();
    await this.#store.close();
  }

  async #absent(revision: Revision): Promise<DirectorError> {
    const newest = await this.#store.head(DOCUMENT_LINE);
    const isGone = revision > 0 && revision < (newest?.number ?? 0);
    return new DirectorError(isGone ? "revision-gone" : "not-found", `Revision ${revision}.`);
  }

  async #save(revision: NewRevision): Promise<RevisionRecord> {
    const startedMs = performance.now();
    const { parent, document, file } = revision;
    const storeId = await this.#store.id();
    const newest = await this.#newestOf(DOCUMENT_LINE, storeId);
    // A database that was removed has been created anew, and the numbers continue.
    if (newest !== undefined && newest.head.number !== parent) throw conflict(newest.head.number);
    const { isSealed, ...written } = await this.#write(document, newest);
    const origin = this.#origin(isSealed);
    const head = revisionHeadOf(revision, written.tree.root, origin);
    const next: Known[] = [{ storeId, head, ...written }];
    if (file !== undefined) {
      const noted = await this.#store.head(FILE_LINE);
      const known = { storeId, head, ...written };
      const { isSealed: isFileSealed, ...ofFile } =
        file === document ? { ...written, isSealed } : await this.#write(file, known);
      const fileHead = fileHeadOf(noted, ofFile.tree, this.#origin(isFileSealed));
      next.push({ storeId, head: fileHead, ...ofFile });
    }
    await this.#advance(next, startedMs, revision.advance);
    this.#collection.noteRevision(head.number);
    return recordOf(head);
  }

  /**
   * Adds the heads, or throws `revision-conflict`. Throws `state-unwritable` if so much time has passed that what was put may have
   * been collected.
   */
  async #advance(
    next: readonly Known[],
    startedMs: number,
    advance: NonNullable<NewRevision["advance"]> = (heads) => this.#store.advance(heads),
  ): Promise<void> {
    if (performance.now() - startedMs > UNREFERENCED_MS / 2) {
      throw new DirectorError("state-unwritable", "The storage is too slow.");
    }
    if (!(await advance(next.map(({ head }) => head)))) throw conflict(undefined);
    for (const known of next) this.#newest.set(known.head.line, known);
  }

  /** Reads the newest head of a line, and its document if it is not in memory. `near` is probably similar. */
  async #newestOf(line: string, storeId: string, near?: Known): Promise<Known | undefined> {
    const head = await this.#store.head(line);
    if (head === undefined) {
      this.#newest.delete(line);
      return undefined;
    }
    const before = this.#newest.get(line);
    const known = before?.storeId === storeId ? before : undefined;
    if (known !== undefined && isSame(known.head, head)) return known;
    const read = { storeId, head, ...(await this.#read(head, near ?? known)) };
    this.#newest.set(line, read);
    return read;
  }

  /** Reads what is different from `near`. */
  async #read(head: Head, near?: Known): Promise<Pick<Known, "tree" | "opened" | "document">> {
    checkSchema(head);
    const { secrets, folder } = this.#options;
    const tree = await this.#trees.read(rootOf(head.roots), near?.tree);
    if (near?.tree === tree && near.head.schema === head.schema) {
      return { tree, opened: near.opened, document: near.document };
    }
    const opened = await secrets.opened(tree.texts, near && entriesIn(near));
    return { tree, opened, document: migrated(documentOfTexts(opened), head, folder) };
  }

  /** Stores what is different from `before`. */
  async #write(document: WrittenDocument, before: Known | undefined): Promise<Written> {
    const opened = entriesOf(document);
    const { secrets } = this.#options;
    const { stored, isSealed } = await secrets.sealed(opened, before && entriesIn(before));
    const tree = await this.#trees.write(stored, before?.tree);
    return { tree, opened, document, isSealed };
  }

  #origin(isSealed: boolean): Origin {
    const at = new Date().toISOString();
    const schema = isSealed ? DOCUMENT_SCHEMA : UNSEALED_SCHEMA;
    return { at, schema, writtenBy: this.#options.program };
  }

  /** Changes one after the other, because each is made from the one before. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#lastChange.then(work, work);
    this.#lastChange = turn.catch(() => undefined);
    return turn;
  }
}

const entriesIn = ({ head, tree, opened }: Known): StoredEntries => ({
  stored: tree.texts,
  opened,
  isSealed: head.schema === DOCUMENT_SCHEMA,
});

const isSame = (one: Head, other: Head): boolean =>
  one.number === other.number && rootOf(one.roots) === rootOf(other.roots);

const fileHeadOf = (before: Head | undefined, tree: EntryTree, origin: Origin): Head => ({
  line: FILE_LINE,
  number: (before?.number ?? 0) + 1,
  parent: before?.number ?? 0,
  ...origin,
  roots: { document: tree.root },
  note: {},
});

const conflict = (newest: Revision | undefined): DirectorError =>
  new DirectorError(
    "revision-conflict",
    newest === undefined ? undefined : `Revision ${newest} is the newest one.`,
  );
