import { DirectorError } from "#model/failure.ts";
import { DATA_KEYS_LINE } from "../state/document-lines.ts";
import { EntryTrees, type EntryTree } from "../state/entry-trees.ts";
import { MAX_OPERATIONS, UNREFERENCED_MS, type Head, type Store } from "../state/store.ts";
import { Turns } from "../turns.ts";
import type { MasterKey } from "./master-key.ts";
import { textOfWrapped, tryParseWrapped, tryRewrap, type WrappedKey } from "./seal-key.ts";

const ROOT = "keys";
const SCHEMA = 1;

/** The data keys that the store has, as they are wrapped by one master key. */
export interface DataKeys {
  /** Identifies what has been sealed in this store, and in those that were restored from its backups. */
  readonly storeId: string;
  /** The id of the master key. Undefined if there is no data key, so that any master key will do. */
  readonly masterKeyId: string | undefined;
  /** By the id of the data key. The texts are those of `textOfWrapped`. */
  readonly wrapped: ReadonlyMap<string, string>;
}

/** What was read or is to be written, with what is needed to replace it. */
interface Stored extends DataKeys {
  readonly physicalId: string;
  readonly head: Head | undefined;
  readonly tree: EntryTree | undefined;
}

/**
 * Keeps the wrapped data keys in a line of their own, of which only the newest head is kept. Not for concurrent use. Methods
 * reject with `state-unwritable`, `state-damaged` and `state-too-new`.
 */
export class DataKeyLine {
  readonly #store: Store;
  readonly #program: string;
  readonly #trees: EntryTrees;
  #newest: Stored | undefined;

  constructor(store: Store, program: string) {
    this.#store = store;
    this.#program = program;
    this.#trees = new EntryTrees(store);
  }

  /** What was last read or written. */
  get known(): DataKeys | undefined {
    return this.#newest;
  }

  async read(): Promise<DataKeys> {
    return this.#read();
  }

  /**
   * Saves data keys in place of `from`, which `read` has returned, in one transaction with `others`. Resolves to false if the
   * state has changed meanwhile. Data keys that were removed are erased.
   */
  async replace(
    from: DataKeys,
    masterKey: MasterKey | undefined,
    wrapped: ReadonlyMap<string, string>,
    others: readonly Head[] = [],
  ): Promise<boolean> {
    const startedMs = performance.now();
    const before = await this.#read();
    if (before !== from) return false;
    const tree = await this.#trees.write(wrapped, before.tree);
    const masterKeyId = wrapped.size === 0 ? undefined : (masterKey?.id ?? before.masterKeyId);
    const head: Head = {
      line: DATA_KEYS_LINE,
      number: (before.head?.number ?? 0) + 1,
      parent: before.head?.number ?? 0,
      at: new Date().toISOString(),
      roots: { [ROOT]: tree.root },
      schema: SCHEMA,
      writtenBy: this.#program,
      note: {
        storeId: before.storeId,
        ...(masterKeyId === undefined ? {} : { masterKey: masterKeyId }),
      },
    };
    // What was put may have been collected.
    if (performance.now() - startedMs > UNREFERENCED_MS / 2) {
      throw new DirectorError("state-unwritable", "The storage is too slow.");
    }
    if (!(await this.#store.advance([...others, head]))) return false;
    this.#newest = { ...before, masterKeyId, wrapped, head, tree };
    const kept = new Set(wrapped.values());
    await this.#erase([...before.wrapped.values()].filter((text) => !kept.has(text)));
    return true;
  }

  /** Deletes what no head needs any more. It is deleted later if the storage fails now. */
  async #erase(texts: readonly string[]): Promise<void> {
    const { head } = this.#newest ?? {};
    try {
      if (head !== undefined && head.parent > 0) {
        await this.#store.forget(DATA_KEYS_LINE, head.parent);
      }
      for (let at = 0; at < texts.length; at += MAX_OPERATIONS) {
        await this.#store.erase(texts.slice(at, at + MAX_OPERATIONS));
      }
    } catch {
      // The hourly collection deletes the values of heads that are gone, and `read` deletes the heads.
    }
  }

  async #read(): Promise<Stored> {
    const physicalId = await this.#store.id();
    const head = await this.#store.head(DATA_KEYS_LINE);
    const before = this.#newest?.physicalId === physicalId ? this.#newest : undefined;
    if (before !== undefined && before.head?.number === head?.number) return before;
    this.#newest =
      head === undefined
        ? { physicalId, storeId: physicalId, head, tree: undefined, ...NOTHING }
        : await this.#readHead(physicalId, head, before?.tree);
    if (before === undefined) await this.#erase([]);
    return this.#newest;
  }

  async #readHead(physicalId: string, head: Head, base: EntryTree | undefined): Promise<Stored> {
    if (head.schema > SCHEMA) {
      const detail = `Version ${head.writtenBy} wrote the data keys in schema ${head.schema}.`;
      throw new DirectorError("state-too-new", detail);
    }
    const { storeId, masterKey } = head.note;
    const root = head.roots[ROOT];
    if (root === undefined || typeof storeId !== "string") {
      throw new DirectorError("state-damaged", "The line of the data keys is not in order.");
    }
    const tree = await this.#trees.read(root, base);
    const masterKeyId = typeof masterKey === "string" ? masterKey : undefined;
    return { physicalId, storeId, masterKeyId, wrapped: tree.texts, head, tree };
  }
}

const NOTHING = { masterKeyId: undefined, wrapped: new Map<string, string>() } as const;

/** Data keys that another master key wraps, and how many of them could not be opened and stay as they are. */
export interface Rewrapped {
  readonly wrapped: ReadonlyMap<string, string>;
  readonly damaged: number;
}

/** Wraps all data keys with another master key. */
export async function rewrapAll(
  { storeId, wrapped }: DataKeys,
  from: MasterKey,
  to: MasterKey,
): Promise<Rewrapped> {
  const texts = new Map<string, string>();
  const turns = new Turns();
  let damaged = 0;
  for (const [id, text] of wrapped) {
    const before = tryParseWrapped(text);
    const after = before && tryRewrap(from, to, storeId, id, before);
    if (after === undefined) damaged += 1;
    texts.set(id, after === undefined ? text : textOfWrapped(after));
    await turns.give();
  }
  return { wrapped: texts, damaged };
}

export function tryWrappedOf({ wrapped }: DataKeys, id: string): WrappedKey | undefined {
  const text = wrapped.get(id);
  return text === undefined ? undefined : tryParseWrapped(text);
}
