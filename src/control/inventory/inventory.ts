import { DirectorError } from "#model/failure.ts";
import { problemOf } from "#model/problem.ts";
import type { Attention } from "#model/records/attention.ts";
import type { ReadVersion } from "../certificates/document-sources.ts";
import type { HeldKey } from "../certificates/held-key.ts";
import type { KeptCertificates, LastGood } from "../certificates/kept-certificates.ts";
import { versionOf } from "../certificates/read-certificate.ts";
import { readMaterial } from "../certificates/read-material.ts";
import { SourceProblem, sourceProblem } from "../certificates/source-problem.ts";
import type { CertificateVersion } from "../certificates/sources.ts";
import type { MaterialReader } from "../reader/material-reader.ts";
import type { SealedKey } from "../sealing/seal-key.ts";
import type { SealedKeys } from "../sealing/sealed-keys.ts";
import { INVENTORY_LINE } from "../state/document-lines.ts";
import { EntryTrees, type EntryTree } from "../state/entry-trees.ts";
import { MAX_OPERATIONS, type Head, type Store } from "../state/store.ts";
import { partsOf } from "../state/tree/entry-text.ts";
import { versionIn, type InventoryChange } from "./inventory-change.ts";
import { noteAfter, noteOf, type InventoryNote } from "./inventory-note.ts";
import { stagedAttentionOf } from "./staged-attention.ts";
import {
  activeOf,
  dataKeysOf,
  identityOf,
  parseRecord,
  summaryOf,
  withSealedKeys,
  type CertificateRecord,
  type FilesSummary,
  type RecordSummary,
  type VersionRecord,
} from "./version-record.ts";

const ROOT = "certificates";
const SCHEMA = 1;
/** How long after a failed reading of the store the next one may begin. */
const RETRY_MS = 1_000;

export interface InventoryParts {
  readonly store: Store;
  readonly sealedKeys: Pick<SealedKeys, "open" | "hold" | "save" | "canOpen">;
  /** Version of the program. */
  readonly program: string;
}

/** A staged version that becomes active when it is valid. */
export interface Waiting {
  readonly name: string;
  readonly version: string;
  readonly notBeforeMs: number;
}

/** A head of the line and what it refers to. */
interface Newest {
  readonly head: Head | undefined;
  readonly tree: EntryTree | undefined;
  /** By the names of the certificates. */
  readonly summaries: ReadonlyMap<string, RecordSummary>;
}

/**
 * The versions of the certificates that the director keeps, in a line of the store of which only the newest head is kept. What was
 * last read or saved is in memory. It is read when it is first needed: a start with files that have not changed needs only the head. Not
 * for concurrent changes: the change queue carries out one after the other.
 */
export class Inventory implements KeptCertificates {
  readonly #parts: InventoryParts;
  readonly #trees: EntryTrees;
  #newest: Newest = { head: undefined, tree: undefined, summaries: new Map() };
  /** What the head said at the start. */
  #noteAtStart: InventoryNote | undefined;
  #isRead = false;
  #nextReadMs = 0;
  /** The last reading that `load` has begun. */
  #loading: Promise<void> = Promise.resolve();

  constructor(parts: InventoryParts) {
    this.#parts = parts;
    this.#trees = new EntryTrees(parts.store);
  }

  /** Resolves to the versions that become active by themselves. */
  async waiting(): Promise<readonly Waiting[]> {
    if (!this.#isRead && this.#noteAtStart?.waits === false) return [];
    await this.load();
    return [...this.#newest.summaries].flatMap(([name, { waiting }]) =>
      waiting.map((one) => ({ name, ...one })),
    );
  }

  /** Returns why the staged versions of a certificate need attention. Needs `load`. */
  attentionTo(name: string): readonly Attention[] {
    if (this.#newest.summaries.get(name)?.hasStaged !== true) return [];
    try {
      return stagedAttentionOf(this.record(name));
    } catch (error) {
      // The use of a damaged entry reports why.
      if (error instanceof DirectorError) return [];
      throw error;
    }
  }

  /** Returns what is kept of a certificate, which may be nothing. Needs `load`. Throws `state-damaged`. */
  record(name: string): CertificateRecord {
    const text = this.#newest.tree?.texts.get(name);
    if (text !== undefined) return parseRecord(name, text);
    return { nextVersion: noteOf(this.#newest.head).nextVersion ?? 1, versions: [] };
  }

  /** Returns what is kept of the files of a certificate, or undefined if nothing is. Needs `load`. */
  ofFiles(name: string): FilesSummary | undefined {
    return this.#newest.summaries.get(name)?.ofFiles;
  }

  lastGood(name: string, files: string, except: string | undefined): LastGood | undefined {
    const kept = this.ofFiles(name);
    const isOther = kept?.files !== files || !kept.hasKey || kept.material === except;
    const active = isOther ? undefined : activeOf(this.record(name));
    if (active?.facts === undefined) return undefined;
    return { version: active.id, facts: active.facts };
  }

  hasFiles(digest: string): boolean {
    const note = this.#isRead ? noteOf(this.#newest.head) : this.#noteAtStart;
    return note?.filesDigest === digest;
  }

  /** Returns the names of all certificates of which something is kept. Needs `load`. */
  names(): Iterable<string> {
    return this.#newest.summaries.keys();
  }

  /** Reads the head of the state at the start. Never rejects: a state that cannot be read is read again when it is needed. */
  async start(): Promise<void> {
    const { store } = this.#parts;
    const head = await store.head(INVENTORY_LINE).catch(() => undefined);
    this.#noteAtStart = head === undefined ? undefined : noteOf(head);
  }

  async load(): Promise<void> {
    if (this.#isRead || performance.now() < this.#nextReadMs) return this.#loading;
    this.#loading = this.read().catch(() => undefined);
    return this.#loading;
  }

  /** Reads the newest state of the store. Rejects with what the store rejects with, `state-damaged` and `state-too-new`. */
  async read(): Promise<void> {
    this.#nextReadMs = performance.now() + RETRY_MS;
    const { store } = this.#parts;
    // Writes are refused until this has been called if the storage was replaced.
    await store.id();
    const head = await store.head(INVENTORY_LINE);
    const isKnown = this.#isRead && isSameHead(head, this.#newest.head);
    if (!isKnown) {
      const tree = await this.#treeOf(head);
      this.#newest = { head, tree, summaries: this.#summariesOf(tree?.texts ?? new Map()) };
    }
    this.#isRead = true;
  }

  /** Never rejects: a state that cannot be read is read again later. */
  async look(name: string): Promise<string> {
    await this.load();
    return this.looksOfVersion(this.#newest.summaries.get(name)?.active);
  }

  async readActive(
    name: string,
    place: string,
    reader: MaterialReader,
  ): Promise<ReadVersion<CertificateVersion>> {
    await this.load();
    const active = activeOf(this.record(name));
    if (active === undefined) {
      const message = `The inventory has no active version of certificate ${name}.`;
      throw sourceProblem("no-active-version", place, message);
    }
    if (active.sealedKey === undefined) {
      const message = `Version ${active.id} of certificate ${name} was read from files, and its key is not kept.`;
      throw sourceProblem("no-active-version", place, message);
    }
    return this.readVersion(name, active, place, reader);
  }

  /** Opens the key of a version, and has a reader process check both. Throws SourceProblem. */
  async readVersion(
    name: string,
    version: VersionRecord,
    place: string,
    reader: MaterialReader,
  ): Promise<ReadVersion<CertificateVersion>> {
    const looks = this.looksOfVersion(version.id);
    const keyPem = await this.#keyOf(name, version, place);
    const { reply, parts } = await readMaterial(
      reader,
      {
        kind: "certificate",
        has: { key: true, passphrase: false },
        places: { chain: place, key: place },
      },
      [Buffer.from(version.chain ?? "", "latin1"), Buffer.from(keyPem, "latin1"), undefined],
      place,
    );
    const read = versionOf(reply, parts);
    const { key } = read.material;
    if (key.open() === keyPem) this.hold(key, name, version);
    return { version: read, warnings: reply.warnings, looks };
  }

  /** Resolves to a private key in PEM. Rejects with DirectorError. */
  openKey(name: string, version: VersionRecord): Promise<string> {
    return this.#parts.sealedKeys.open(identityOf(name, version), version.sealedKey);
  }

  /** Identifies the state that `record` returns parts of. */
  get head(): Head | undefined {
    return this.#newest.head;
  }

  /**
   * Saves a change to the state `from` in one transaction with other heads. Resolves to false if the store has another state, and nothing
   * is saved then. Rejects with `outcome-unknown` if the store failed and cannot be read since.
   */
  async save(
    change: InventoryChange,
    others: readonly Head[] = [],
    from: Head | undefined = this.head,
  ): Promise<boolean> {
    const { store, sealedKeys } = this.#parts;
    await this.read();
    if (!isSameHead(from, this.#newest.head)) return false;
    let planned: Newest | undefined;
    const headsWith = async (sealed: readonly SealedKey[]): Promise<readonly Head[]> => {
      planned = await this.#write(change, sealed);
      return planned.head === undefined ? others : [...others, planned.head];
    };
    const add = change.keys.map(({ name, version, key }) => ({
      identity: identityOf(name, versionIn(change, name, version)),
      keyPem: key.open(),
    }));
    const removeDataKeys = this.#removedKeys(change);
    try {
      const isSaved =
        add.length === 0 && removeDataKeys.length === 0
          ? await store.advance(await headsWith([]))
          : await sealedKeys.save({ add, removeDataKeys }, headsWith);
      if (!isSaved) return false;
    } catch (cause) {
      await this.#readAfter(cause);
      if (planned?.head === undefined || !isSameHead(planned.head, this.#newest.head)) throw cause;
    }
    const removed = removeDataKeys.length === 0 ? [] : this.#textsOf(change);
    if (planned !== undefined) this.#newest = planned;
    for (const { name, version: id, key } of change.keys) {
      const version = this.record(name).versions.find((one) => one.id === id);
      if (version !== undefined) this.hold(key, name, version);
    }
    await this.#eraseOlder(removed);
    return true;
  }

  /** Makes the key of a version be held as it is sealed, if it is saved. */
  hold(key: HeldKey, name: string, version: VersionRecord): void {
    const { sealedKey } = version;
    if (sealedKey === undefined) return;
    key.keepSealed(this.#parts.sealedKeys.hold(identityOf(name, version), sealedKey));
  }

  async #write(change: InventoryChange, sealed: readonly SealedKey[]): Promise<Newest> {
    const { head, tree } = this.#newest;
    const texts = new Map(tree?.texts);
    const removed: CertificateRecord[] = [];
    for (const [name, record] of change.records) {
      if (record === undefined) {
        removed.push(this.record(name));
        texts.delete(name);
        continue;
      }
      const keys = change.keys.flatMap(({ name: owner, version }, at) => {
        const key = sealed[at];
        return owner === name && key !== undefined ? [[version, key] as const] : [];
      });
      texts.set(name, JSON.stringify(withSealedKeys(record, new Map(keys))));
    }
    const next = await this.#trees.write(texts, tree);
    const summaries = this.#summariesOf(texts);
    const note = noteAfter(noteOf(head), change.filesDigest, summaries.values(), removed);
    return {
      ...{ tree: next, summaries },
      head: {
        line: INVENTORY_LINE,
        number: (head?.number ?? 0) + 1,
        parent: head?.number ?? 0,
        at: new Date().toISOString(),
        roots: { [ROOT]: next.root },
        schema: SCHEMA,
        writtenBy: this.#parts.program,
        note: { ...note },
      },
    };
  }

  /** Returns the data keys of sealed keys that the change leaves out. */
  #removedKeys({ records }: InventoryChange): readonly string[] {
    return [...records].flatMap(([name, after]) => {
      const kept = new Set(after === undefined ? [] : dataKeysOf(after));
      return dataKeysOf(this.record(name)).filter((key) => !kept.has(key));
    });
  }

  async #keyOf(name: string, version: VersionRecord, place: string): Promise<string> {
    try {
      return await this.openKey(name, version);
    } catch (error) {
      if (!(error instanceof DirectorError)) throw error;
      const code = error.code === "master-key-wrong" ? error.code : "sealed-key-damaged";
      throw new SourceProblem(problemOf(code, place, error.message), [], error);
    }
  }

  /** What `look` returns while this version is active. */
  looksOfVersion(id: string | undefined): string {
    if (id === undefined) return "none";
    return this.#parts.sealedKeys.canOpen ? id : `${id} locked`;
  }

  /** Reads what the store has after a transaction has failed. */
  async #readAfter(cause: unknown): Promise<void> {
    try {
      await this.read();
    } catch {
      this.#isRead = false;
      const detail = "Look which versions of the certificates are active.";
      throw new DirectorError("outcome-unknown", detail, { cause });
    }
  }

  async #treeOf(head: Head | undefined): Promise<EntryTree | undefined> {
    if (head === undefined) return undefined;
    if (head.schema > SCHEMA) {
      const detail = `Version ${head.writtenBy} wrote the inventory in schema ${head.schema}.`;
      throw new DirectorError("state-too-new", detail);
    }
    const root = head.roots[ROOT];
    if (root === undefined) {
      throw new DirectorError("state-damaged", "The line of the inventory is not in order.");
    }
    return this.#trees.read(root, this.#newest.tree);
  }

  #summariesOf(texts: EntryTree["texts"]): Newest["summaries"] {
    const { tree, summaries } = this.#newest;
    const summaryIn = (name: string, text: string): RecordSummary =>
      (tree?.texts.get(name) === text ? summaries.get(name) : undefined) ?? summaryOf(text);
    return new Map(Array.from(texts, ([name, text]) => [name, summaryIn(name, text)]));
  }

  /** Returns the values of the entries before a change. */
  #textsOf({ records }: InventoryChange): readonly string[] {
    const texts = this.#newest.tree?.texts;
    return [...records.keys()].flatMap((name) => partsOf(texts?.get(name) ?? ""));
  }

  /** Deletes the older heads, and values with sealed keys that were removed. Both are deleted later if the storage fails now. */
  async #eraseOlder(removed: readonly string[]): Promise<void> {
    const { store } = this.#parts;
    const { head } = this.#newest;
    if (head === undefined || head.parent === 0) return;
    try {
      await store.forget(INVENTORY_LINE, head.parent);
      for (let at = 0; at < removed.length; at += MAX_OPERATIONS) {
        await store.erase(removed.slice(at, at + MAX_OPERATIONS));
      }
    } catch {
      // The next change deletes the heads, and the hourly collection the values.
    }
  }
}

const isSameHead = (one: Head | undefined, other: Head | undefined): boolean =>
  one?.number === other?.number && one?.roots[ROOT] === other?.roots[ROOT];
