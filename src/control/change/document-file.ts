import { foldersExcept, type FoldersOf } from "#model/document/check-paths.ts";
import { changeLines } from "#model/document/change-lines.ts";
import { differenceByPath } from "#model/document/path-change.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { DirectorError } from "#model/failure.ts";
import type { DocumentInForce } from "../certificates/source-entry.ts";
import type { CheckedDocument } from "../check-file.ts";
import type { DirectorStatus, FileState } from "#model/records/status.ts";
import type { Notices } from "../notice.ts";
import type { StateInForce, WantedDocument } from "./change.ts";
import { decideDocument, type Decision } from "./decide-document.ts";

export interface DocumentFileParts {
  /** Absolute path. Undefined if the director has no file. */
  readonly path: string | undefined;
  /** The folders in which files must be that the director's own file does not name. */
  readonly folders: readonly string[];
  readonly notices: Notices;
  /** Reads the file and checks it as a change of the document in force. */
  readonly read: (path: string, inForce: DocumentInForce | undefined) => Promise<CheckedDocument>;
  /** Checks a document as a change of the document in force, with the settings under `director` of the file. */
  readonly check: (
    written: WrittenDocument,
    file: CheckedDocument,
    inForce: DocumentInForce | undefined,
  ) => Promise<CheckedDocument>;
}

const DIVERGED = "document-diverged";

const STATES: Readonly<Record<Decision, FileState>> = {
  equal: "in-force",
  "apply-file": "file-ahead",
  "serve-stored": "store-ahead",
  diverged: "diverged",
};

/** The file that --config names, as it was last read, and how it stands to the store. */
export class DocumentFile {
  readonly #parts: DocumentFileParts;
  #file: WrittenDocument | undefined;
  /** The document of the file as it was last applied. */
  #applied: WrittenDocument | undefined;
  /** Computed from `#applied` when it is needed. */
  #foldersOf: FoldersOf | undefined;
  #state: FileState = "file-ahead";

  constructor(parts: DocumentFileParts) {
    this.#parts = parts;
  }

  /** The state at the last change, or at the last time that the file was read. */
  status(): DirectorStatus["file"] {
    const { path } = this.#parts;
    return path === undefined ? { state: "none" } : { path, state: this.#state };
  }

  /** Returns in which folders a file must be. The files that the director's own file named when it was last applied can be anywhere. */
  get foldersOf(): FoldersOf {
    this.#foldersOf ??= foldersExcept(this.#applied, this.#parts.folders);
    return this.#foldersOf;
  }

  /** Decides which document a start serves, and remembers the file. */
  decideAtStart(
    file: WrittenDocument | undefined,
    applied: WrittenDocument | undefined,
    stored: WrittenDocument | undefined,
  ): Decision {
    this.#file = file;
    this.#noteApplied(applied);
    return decideDocument({ file, applied, stored });
  }

  /**
   * Reads the file and returns what is wanted now: its document, or the document in force if only the store has changed since
   * the file was last applied. Throws `document-diverged` if both have changed, unless `isForced`.
   */
  async want(
    inForce: StateInForce | undefined,
    sources: DocumentInForce | undefined,
    isForced: boolean,
  ): Promise<WantedDocument> {
    const { path, read, check } = this.#parts;
    if (path === undefined) throw new DirectorError("no-document-file");
    const checked = await read(path, sources);
    const { written: file } = checked;
    if (file === undefined || inForce === undefined) return { kind: "document", checked };
    this.#file = file;
    const decision = isForced ? "apply-file" : this.#decide(inForce.written);
    if (decision === "diverged") {
      this.compare(inForce.written);
      const lines = changeLines(differenceByPath(file, inForce.written));
      throw new DirectorError(
        "document-diverged",
        `${path} against the store: ${lines.join("; ")}`,
      );
    }
    if (decision !== "serve-stored") return { kind: "document", checked, file };
    return { kind: "document", checked: await check(inForce.written, checked, sources) };
  }

  /** To be called after each change, and after each refusal of the file. */
  compare(inForce: WrittenDocument, applied?: WrittenDocument): void {
    const { path, notices } = this.#parts;
    if (path === undefined) return;
    if (applied !== undefined) this.#noteApplied(applied);
    this.#state = STATES[this.#decide(inForce)];
    if (this.#state !== "diverged") return notices.clear(DIVERGED);
    const text =
      `${path} and the store have changed in different ways since the file was last applied. The store's document is served. ` +
      "Apply the file with `tlsd reload --force`, or bring the file up to date with `tlsd export`. `tlsd diff` shows the difference.";
    notices.raise({ event: DIVERGED, text });
  }

  #noteApplied(applied: WrittenDocument | undefined): void {
    this.#applied = applied;
    this.#foldersOf = undefined;
  }

  #decide(stored: WrittenDocument): Decision {
    return decideDocument({ file: this.#file, applied: this.#applied, stored });
  }
}
