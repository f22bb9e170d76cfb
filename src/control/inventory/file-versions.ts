import { setImmediate as nextTurn } from "node:timers/promises";
import { DirectorError, type FailureCode } from "#model/failure.ts";
import { tryFilesText } from "../certificates/document-sources.ts";
import { digestOfFiles, mayKeep } from "../certificates/last-good.ts";
import type { DocumentInForce } from "../certificates/source-entry.ts";
import type { Notices } from "../notice.ts";
import type { InventoryChange, NewKey } from "./inventory-change.ts";
import type { Inventory } from "./inventory.ts";
import { isSettled, planFiles, type FilesState } from "./plan-files.ts";
import type { CertificateRecord } from "./version-record.ts";

/** The event of the notice that versions cannot be kept. */
const LAST_GOOD_UNKEPT = "last-good-unkept";
/** How many certificates are saved in one transaction. Their keys are sealed in about 10 ms. */
const BATCH = 256;
/** How many certificates are compared before other work gets a turn. */
const COMPARED_AT_ONCE = 1_000;
const RETRY_MS = 5_000;
const MAX_RETRY_MS = 60_000;
const NOTE_AFTER_MS = 2_000;
/** Failures for which the versions are saved without their keys. */
const KEY_TROUBLES: readonly FailureCode[] = ["master-key-wrong", "file-unwritable"];
/** Failures that say nothing about the storage. The work is done later. */
const PASSING: readonly FailureCode[] = ["too-many-changes", "revision-conflict", "draining"];

export interface FileVersionsParts {
  readonly inventory: Pick<Inventory, "load" | "record" | "ofFiles" | "hasFiles" | "save">;
  readonly inForce: () => DocumentInForce | undefined;
  /** Runs work while no change runs. */
  readonly inTurn: <Result>(work: () => Promise<Result>) => Promise<Result>;
  readonly notices: Pick<Notices, "raise" | "clear">;
  readonly onFault: (error: unknown) => void;
  /** The time to the first try after a failure. It doubles with each failure. */
  readonly retryMs?: number;
  /** The time from the last change until it is noted that everything is saved. */
  readonly noteAfterMs?: number;
}

/**
 * Saves the versions of certificates in files in the inventory when they are in use already, so that trouble with the storage or the
 * master key never keeps good files from being served. It compares what is kept with what is in use. A kill before the save therefore
 * only means that the next start saves.
 */
export class FileVersions {
  readonly #parts: FileVersionsParts;
  /** The names of certificates that may have changed. */
  readonly #due = new Set<string>();
  #isAllDue = false;
  #isStarted = false;
  #isRunning = false;
  /** Whether the storage has taken something since the start. */
  #isProven = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: FileVersionsParts) {
    this.#parts = parts;
  }

  /** To be called when the entries of these certificates, or of all, have changed. */
  note(names: readonly string[] | "all"): void {
    if (names === "all") this.#isAllDue = true;
    else for (const name of names) this.#due.add(name);
    if (this.#failures === 0) this.#schedule(0);
  }

  start(): void {
    this.#isStarted = true;
    this.#schedule(0);
  }

  close(): void {
    this.#isStarted = false;
    clearTimeout(this.#timer);
  }

  #schedule(afterMs: number): void {
    if (!this.#isStarted || this.#isRunning) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#isRunning = true;
      this.#run().catch(this.#parts.onFault);
    }, afterMs).unref();
  }

  async #run(): Promise<void> {
    let nextMs: number | undefined;
    try {
      nextMs = await this.#keepAll();
      this.#failures = 0;
      this.#parts.notices.clear(LAST_GOOD_UNKEPT);
    } catch (error) {
      nextMs = this.#retryMsAfter(error);
    } finally {
      this.#isRunning = false;
    }
    if (nextMs !== undefined) this.#schedule(nextMs);
  }

  /** Resolves to the time after which there is more to do. */
  async #keepAll(): Promise<number | undefined> {
    const { inventory, inTurn } = this.#parts;
    if (this.#isAllDue && this.#isNoted()) {
      this.#isAllDue = false;
      this.#due.clear();
    }
    if (!this.#isAllDue && this.#due.size === 0) {
      // Nothing has changed since everything was saved.
      if (!this.#isNoted()) await inTurn(() => this.#noteDigest());
      return undefined;
    }
    await inventory.load();
    this.#addAll();
    while (this.#due.size > 0 && this.#isStarted) {
      const names = await this.#takeUnsettled();
      if (names.length > 0) await this.#keep(names);
    }
    return this.#parts.noteAfterMs ?? NOTE_AFTER_MS;
  }

  async #keep(names: readonly string[]): Promise<void> {
    try {
      await this.#parts.inTurn(() => this.#save(names));
    } catch (error) {
      for (const name of names) this.#due.add(name);
      throw error;
    }
  }

  async #save(names: readonly string[]): Promise<void> {
    const { inventory } = this.#parts;
    // A master key must not be made for a storage that takes nothing.
    if (!this.#isProven) await this.#saveWithoutKeys(names);
    try {
      const { records, keys } = this.#planOf(names);
      await saveOrThrow(inventory, { records, keys });
    } catch (error) {
      if (error instanceof DirectorError && KEY_TROUBLES.includes(error.code)) {
        await this.#saveWithoutKeys(names);
      }
      throw error;
    }
  }

  async #saveWithoutKeys(names: readonly string[]): Promise<void> {
    const { records, changed } = this.#planOf(names);
    const others = [...records].filter(([name]) => changed.has(name));
    await saveOrThrow(this.#parts.inventory, { records: new Map(others), keys: [] });
    this.#isProven = true;
  }

  /** `changed` are the names of those records in which more than a key changes. */
  #planOf(
    names: readonly string[],
  ): Pick<InventoryChange, "records" | "keys"> & { readonly changed: ReadonlySet<string> } {
    const at = new Date().toISOString();
    const records = new Map<string, CertificateRecord>();
    const changed = new Set<string>();
    const keys: NewKey[] = [];
    for (const name of names) {
      const state = this.#stateOf(name);
      if (state === undefined) continue;
      const plan = planFiles(this.#parts.inventory.record(name), state, at);
      if (plan.isChanged) changed.add(name);
      if (plan.toSeal !== undefined) keys.push({ name, ...plan.toSeal });
      if (plan.isChanged || plan.toSeal !== undefined) records.set(name, plan.record);
    }
    return { records, keys, changed };
  }

  /** Returns undefined if the certificate is not one of files. */
  #stateOf(name: string): FilesState | undefined {
    const entry = this.#parts.inForce()?.entries.certificates.get(name);
    const files = entry && tryFilesText(entry.source);
    if (entry === undefined || files === undefined) return undefined;
    const { version, staged } = entry;
    return { files, version, staged, keepsKey: mayKeep(entry) };
  }

  #addAll(): void {
    if (!this.#isAllDue) return;
    this.#isAllDue = false;
    for (const name of this.#parts.inForce()?.entries.certificates.keys() ?? []) {
      this.#due.add(name);
    }
  }

  /** Takes names from those that are due until it has a batch of certificates that have changed. */
  async #takeUnsettled(): Promise<readonly string[]> {
    const found: string[] = [];
    let compared = 0;
    for (const name of this.#due) {
      this.#due.delete(name);
      const state = this.#stateOf(name);
      const isDone = state === undefined || isSettled(this.#parts.inventory.ofFiles(name), state);
      if (!isDone) found.push(name);
      if (found.length === BATCH) break;
      compared += 1;
      if (compared % COMPARED_AT_ONCE === 0) await nextTurn();
    }
    return found;
  }

  #isNoted(): boolean {
    const certificates = this.#parts.inForce()?.entries.certificates;
    return (
      certificates !== undefined && this.#parts.inventory.hasFiles(digestOfFiles(certificates))
    );
  }

  /** Notes that everything is saved, so that the next start need not compare. */
  async #noteDigest(): Promise<void> {
    const { inventory, inForce } = this.#parts;
    const certificates = inForce()?.entries.certificates;
    if (certificates === undefined || this.#due.size > 0 || this.#isAllDue) return;
    const filesDigest = digestOfFiles(certificates);
    await saveOrThrow(inventory, { records: new Map(), keys: [], filesDigest });
  }

  /** Returns when to try again. */
  #retryMsAfter(error: unknown): number {
    if (!(error instanceof DirectorError)) throw error;
    const waitMs = Math.min(MAX_RETRY_MS, (this.#parts.retryMs ?? RETRY_MS) * 2 ** this.#failures);
    this.#failures += 1;
    if (!PASSING.includes(error.code)) {
      const text =
        "The last good versions of certificates in files cannot be kept. The files are served, but after a restart, there is " +
        `nothing in place of files that cannot be used then. ${error.message} If no copies of keys are wanted, set \`keepLastGood: false\` for each certificate.`;
      this.#parts.notices.raise({ event: LAST_GOOD_UNKEPT, text });
    }
    return waitMs;
  }
}

async function saveOrThrow(
  inventory: Pick<Inventory, "save">,
  change: InventoryChange,
): Promise<void> {
  const isEmpty = change.records.size === 0 && change.filesDigest === undefined;
  if (!isEmpty && !(await inventory.save(change))) throw new DirectorError("revision-conflict");
}
