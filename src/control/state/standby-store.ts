import { isDeepStrictEqual } from "node:util";
import Type, { type Static } from "typebox";
import { Check } from "typebox/value";
import { DirectorError } from "#model/failure.ts";
import { STANDBY_LINE } from "./document-lines.ts";
import { EntryTrees, type EntryTree } from "./entry-trees.ts";
import type { Store } from "./store.ts";
import type { Trouble } from "./trouble.ts";

const RecordSchema = Type.Object({
  /** The names of the servers that the standby servers stand in for. */
  servers: Type.Array(Type.String()),
  sinceMs: Type.Number(),
  reason: Type.Optional(Type.String()),
  turnsMs: Type.Array(Type.Number()),
  isFlapping: Type.Boolean(),
});
/** What is kept of a profile that is on standby. */
export type StandbyRecord = Static<typeof RecordSchema>;
export type StandbyRecords = ReadonlyMap<string, StandbyRecord>;

const ROOT = "profiles";
const SCHEMA = 1;
const RETRY_MS = 5_000;

/**
 * Keeps the profiles that are on standby in the store, outside the document. A failed write is repeated until the storage works
 * again, because nothing waits for it.
 */
export class StandbyStore {
  readonly #store: Store;
  readonly #program: string;
  readonly #trouble: Trouble;
  readonly #trees: EntryTrees;
  #tree: EntryTree | undefined;
  /** What was last read, or asked to be saved. */
  #latest: StandbyRecords = new Map();
  /** What is still to be written. */
  #wanted: StandbyRecords | undefined;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(store: Store, program: string, trouble: Trouble) {
    this.#store = store;
    this.#program = program;
    this.#trouble = trouble;
    this.#trees = new EntryTrees(store);
  }

  /** Resolves to what was saved last. A store that cannot be read, and a record that is not valid, count as empty. */
  async read(): Promise<StandbyRecords> {
    try {
      const root = (await this.#store.head(STANDBY_LINE))?.roots[ROOT];
      if (root === undefined) return new Map();
      this.#tree = await this.#trees.read(root);
    } catch (error) {
      this.#tell(error);
      return new Map();
    }
    this.#latest = new Map(
      [...this.#tree.texts].flatMap(([profile, text]) => {
        const record = tryRecord(text);
        return record === undefined ? [] : [[profile, record] as const];
      }),
    );
    return this.#latest;
  }

  /** Saves the records in place of all earlier ones, soon. */
  save(records: StandbyRecords): void {
    if (isDeepStrictEqual(records, this.#latest)) return;
    this.#latest = records;
    this.#write(records);
  }

  #write(records: StandbyRecords): void {
    this.#wanted = records;
    clearTimeout(this.#timer);
    this.#running ??= this.#saveAll();
  }

  /** Waits until what was to be saved has been tried. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** Writes the newest records until none is left to write, or until a write fails. */
  async #saveAll(): Promise<void> {
    for (let records = this.#take(); records !== undefined; records = this.#take()) {
      try {
        // oxlint-disable-next-line no-await-in-loop
        await this.#advance(records);
        this.#trouble.onSound();
      } catch (error) {
        this.#tell(error);
        this.#tree = undefined;
        this.#retryLater(this.#wanted ?? records);
        break;
      }
    }
    this.#running = undefined;
  }

  #take(): StandbyRecords | undefined {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    return wanted;
  }

  #retryLater(records: StandbyRecords): void {
    this.#wanted = undefined;
    if (!this.#isClosed) this.#timer = setTimeout(() => this.#write(records), RETRY_MS);
  }

  async #advance(records: StandbyRecords): Promise<void> {
    // Writes are refused until this has been called if the storage was replaced.
    await this.#store.id();
    const head = await this.#store.head(STANDBY_LINE);
    const parent = head?.number ?? 0;
    const base = this.#tree?.root === head?.roots[ROOT] ? this.#tree : undefined;
    const texts = new Map(
      [...records].map(([profile, record]) => [profile, JSON.stringify(record)]),
    );
    const tree = await this.#trees.write(texts, base);
    if (tree.root === head?.roots[ROOT]) return;
    const at = new Date().toISOString();
    const next = {
      line: STANDBY_LINE,
      number: parent + 1,
      parent,
      at,
      roots: { [ROOT]: tree.root },
    };
    const isWritten = await this.#store.advance([
      { ...next, schema: SCHEMA, writtenBy: this.#program, note: {} },
    ]);
    if (!isWritten) throw new DirectorError("state-unwritable", "Another program has changed it.");
    this.#tree = tree;
    await this.#store.forget(STANDBY_LINE, parent);
  }

  #tell(error: unknown): void {
    this.#trouble.onTrouble(
      error instanceof DirectorError ? (error.detail ?? error.message) : String(error),
    );
  }
}

function tryRecord(text: string): StandbyRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Check(RecordSchema, value) ? value : undefined;
  } catch {
    return undefined;
  }
}
