import type { Revision } from "#model/document/document.ts";
import { DOCUMENT_SCHEMA } from "#model/document/migrations/migrate-document.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { DirectorError } from "#model/failure.ts";
import type { RevisionRecord } from "#model/records/revision.ts";
import { Collection, type KeptHistory } from "./collection.ts";
import { entriesOf } from "./document-entries.ts";
import { DOCUMENT_LINE, FILE_LINE } from "./document-lines.ts";
import type { DocumentStore, NewRevision, StoredState } from "./document-store.ts";
import { documentOfTree, EntryTrees, type EntryTree } from "./entry-trees.ts";
import {
  checkSchema,
  migrated,
  recordOf,
  revisionHeadOf,
  rootOf,
  type Origin,
} from "./revision-head.ts";
import { MAX_OPERATIONS, UNREFERENCED_MS, type Head, type Store } from "./store.ts";

export interface TreeDocumentStoreOptions {
  readonly store: Store;
  /** The folder to which the paths in documents of schema 1 are relative. */
  readonly folder: string;
  /** Version of the program. */
  readonly program: string;
  readonly kept?: KeptHistory;
}

/** A head and what it refers to. */
interface Known {
  readonly storeId: string;
  readonly head: Head;
  readonly tree: EntryTree;
  readonly document: WrittenDocument;
}

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
    this.#collection = new Collection(options.store, options.kept);
  }

  id(): Promise<string> {
    return this.#store.id();
  }

  async latest(): Promise<StoredState | undefined> {
    const newest = await this.#newestOf(DOCUMENT_LINE);
    if (newest === undefined) return undefined;
    const file = await this.#newestOf(FILE_LINE, newest);
    const { head, document } = newest;
    return { record: recordOf(head), document, file: file?.document };
  }

  save(revision: NewRevision): Promise<RevisionRecord> {
    return this.#inTurn(() => this.#save(revision));
  }

  noteFile(file: WrittenDocument): Promise<void> {
    return this.#inTurn(async () => {
      const startedMs = performance.now();
      const newest = await this.#newestOf(DOCUMENT_LINE);
      const noted = await this.#newestOf(FILE_LINE, newest);
      const tree = await this.#trees.write(entriesOf(file), newest?.tree);
      if (noted?.tree.root === tree.root && noted.head.schema === DOCUMENT_SCHEMA) return;
      const head = fileHeadOf(noted, tree, this.#origin());
      if (!(await this.#advance([head], startedMs))) throw conflict(undefined);
      await this.#remember(head, tree, file);
    });
  }

  async revision(
    revision: Revision,
  ): Promise<{ readonly record: RevisionRecord; readonly document: WrittenDocument }> {
    const [head] = await this.#store.heads(DOCUMENT_LINE, revision + 1, 1);
    if (head?.number !== revision) {
      const newest = await this.#store.head(DOCUMENT_LINE);
      const isGone = revision > 0 && revision < (newest?.number ?? 0);
      throw new DirectorError(isGone ? "revision-gone" : "not-found", `Revision ${revision}.`);
    }
    const near = this.#newest.get(DOCUMENT_LINE);
    const { document } = await this.#read(head, near?.tree);
    return { record: recordOf(head), document };
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

  async #save(revision: NewRevision): Promise<RevisionRecord> {
    const startedMs = performance.now();
    const { parent, document, file } = revision;
    const newest = await this.#newestOf(DOCUMENT_LINE);
    // A database that was removed has been created anew, and the numbers continue.
    if (newest !== undefined && newest.head.number !== parent) throw conflict(newest.head.number);
    const tree = await this.#trees.write(entriesOf(document), newest?.tree);
    const origin = this.#origin();
    const head = revisionHeadOf(revision, tree.root, origin);
    const heads = [head];
    let fileTree: EntryTree | undefined;
    if (file !== undefined) {
      const noted = await this.#newestOf(FILE_LINE, newest);
      fileTree = file === document ? tree : await this.#trees.write(entriesOf(file), tree);
      heads.push(fileHeadOf(noted, fileTree, origin));
    }
    if (!(await this.#advance(heads, startedMs))) throw conflict(undefined);
    await this.#remember(head, tree, document);
    const [, fileHead] = heads;
    if (fileHead !== undefined && fileTree !== undefined && file !== undefined) {
      await this.#remember(fileHead, fileTree, file);
    }
    this.#collection.noteRevision(head.number);
    return recordOf(head);
  }

  /** Throws if so much time has passed that what was put may have been collected. */
  async #advance(heads: readonly Head[], startedMs: number): Promise<boolean> {
    if (performance.now() - startedMs > UNREFERENCED_MS / 2) {
      throw new DirectorError("state-unwritable", "The storage is too slow.");
    }
    return this.#store.advance(heads);
  }

  /** Reads a head that is not in memory. `near` is the tree of a document that is probably similar. */
  async #newestOf(line: string, near?: Known): Promise<Known | undefined> {
    const storeId = await this.#store.id();
    const head = await this.#store.head(line);
    if (head === undefined) {
      this.#newest.delete(line);
      return undefined;
    }
    const known = this.#newest.get(line);
    const isKnown = known?.storeId === storeId;
    if (isKnown && isSame(known.head, head)) return known;
    const base = near?.storeId === storeId ? near : isKnown ? known : undefined;
    const read = { storeId, head, ...(await this.#read(head, base?.tree)) };
    this.#newest.set(line, read);
    return read;
  }

  async #read(head: Head, near?: EntryTree): Promise<Pick<Known, "tree" | "document">> {
    checkSchema(head);
    const tree = await this.#trees.read(rootOf(head.roots), near);
    return { tree, document: migrated(documentOfTree(tree), head, this.#options.folder) };
  }

  async #remember(head: Head, tree: EntryTree, document: WrittenDocument): Promise<void> {
    this.#newest.set(head.line, { storeId: await this.#store.id(), head, tree, document });
  }

  #origin(): Origin {
    const at = new Date().toISOString();
    return { at, schema: DOCUMENT_SCHEMA, writtenBy: this.#options.program };
  }

  /** Changes one after the other, because each is made from the one before. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#lastChange.then(work, work);
    this.#lastChange = turn.catch(() => undefined);
    return turn;
  }
}

const isSame = (one: Head, other: Head): boolean =>
  one.number === other.number && rootOf(one.roots) === rootOf(other.roots);

const fileHeadOf = (before: Known | undefined, tree: EntryTree, origin: Origin): Head => ({
  line: FILE_LINE,
  number: (before?.head.number ?? 0) + 1,
  parent: before?.head.number ?? 0,
  ...origin,
  roots: { document: tree.root },
  note: {},
});

const conflict = (newest: Revision | undefined): DirectorError =>
  new DirectorError(
    "revision-conflict",
    newest === undefined ? undefined : `Revision ${newest} is the newest one.`,
  );
