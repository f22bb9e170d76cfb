import { DirectorError, type FailureCode } from "#model/failure.ts";
import { documentRefusal, type CheckedDocument } from "../check-file.ts";
import type { Notice } from "../notice.ts";
import type { DocumentStore, StoredState } from "../state/document-store.ts";
import type { WantedDocument } from "./change.ts";
import type { DocumentFile } from "./document-file.ts";

export interface StartParts {
  readonly store: DocumentStore;
  readonly file: DocumentFile;
  /** Checks a document of the store, or the empty document, for a start. */
  readonly checkStored: (document: StoredState["document"]) => Promise<CheckedDocument>;
}

/** What is served by a director that cannot save, with the notice that says so. */
export interface UnsavedChoice {
  readonly wanted: WantedDocument;
  readonly notice: Notice;
}

const SERVES_STORED = "serves-stored-document";
const SERVES_UNSAVED = "serves-unsaved-document";

/** The events of the notices of an unsaved start. They are cleared when the next document is applied. */
export const UNSAVED_START_NOTICES = [SERVES_STORED, SERVES_UNSAVED] as const;

/**
 * Chooses the document that a start serves: that of the file or that of the store. `isForced` means the file, whatever the store
 * has. Rejects with `state-too-new`, or with the problems of the chosen document.
 */
export async function chooseAtStart(
  checkedFile: CheckedDocument | undefined,
  isForced: boolean,
  { store, file, checkStored }: StartParts,
): Promise<WantedDocument> {
  const own = checkedFile?.written;
  const stored = await tryLatest(store, own);
  const decision = file.decideAtStart(own, stored?.file, stored?.document);
  const isOfFile = decision === "apply-file" || decision === "equal" || isForced;
  if (isOfFile && checkedFile !== undefined && own !== undefined) {
    return { kind: "document", checked: checkedFile, file: own };
  }
  const checked = await checkStored(stored?.document ?? {});
  const revision = stored?.record.revision ?? 0;
  if (checked.document === undefined) {
    throw documentRefusal(checked.problems, `Revision ${revision} of the store`);
  }
  return { kind: "document", checked, known: { revision, isSaved: true } };
}

/** Without a master key, a document with new secrets cannot be saved. */
const UNSAVED_CODES: readonly FailureCode[] = [
  "state-unwritable",
  "master-key-wrong",
  "file-unwritable",
  "sealed-key-damaged",
];

/** Whether a start fails only because the document cannot be saved. */
export const isUnsavedStart = (error: unknown): error is DirectorError =>
  error instanceof DirectorError && UNSAVED_CODES.includes(error.code);

/**
 * Decides what a director serves if it starts with a document that it cannot save: the document that was last saved or, if that
 * cannot be served, the document in the file. See docs/decisions/0016-serve-on-when-the-disk-fails.md.
 */
export async function chooseUnsaved(
  checkedFile: CheckedDocument,
  reason: DirectorError,
  { store, checkStored }: StartParts,
): Promise<UnsavedChoice> {
  const stored = await tryLatest(store, checkedFile.written);
  if (stored !== undefined) {
    const checked = await checkStored(stored.document);
    if (checked.document !== undefined) {
      const { revision } = stored.record;
      const text =
        `The director serves revision ${revision} from the store, because the document in the file is different and ` +
        `could not be saved. Send SIGHUP to apply the file when the state can be saved again. ${reason.message}`;
      return {
        wanted: { kind: "document", checked, known: { revision, isSaved: true } },
        notice: { event: SERVES_STORED, text },
      };
    }
  }
  const known = { revision: (stored?.record.revision ?? 0) + 1, isSaved: false };
  const text =
    "The document in the file is served without being saved, because the store has no document that can be " +
    `served. Send SIGHUP to save it when the state can be saved again. ${reason.message}`;
  return {
    wanted: { kind: "document", checked: checkedFile, known },
    notice: { event: SERVES_UNSAVED, text },
  };
}

/** A state that cannot be read does not prevent a start. One that a newer program wrote does, because it would be lost. */
async function tryLatest(
  store: DocumentStore,
  file: StoredState["file"],
): Promise<StoredState | undefined> {
  try {
    return await store.latest(file);
  } catch (error) {
    if (error instanceof DirectorError && error.code === "state-unwritable") return undefined;
    throw error;
  }
}
