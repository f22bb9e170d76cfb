import type { DirectorSettings } from "#model/document/document.ts";
import type { Wanted } from "./change.ts";
import type { CheckedDocument } from "./check-file.ts";
import type { Notice } from "./notice.ts";
import type { RevisionStore, StoredDocument, StoredRevision } from "./state/revision-store.ts";

export interface UnsavedStartParts {
  readonly store: RevisionStore;
  /** Checks a document from the store, with the `director` settings and the folder of the file. */
  readonly checkStored: (
    document: StoredDocument,
    settings: DirectorSettings,
    folder: string,
  ) => Promise<CheckedDocument>;
}

const SERVES_STORED = "serves-stored-document";
const SERVES_UNSAVED = "serves-unsaved-document";

/** The events of the notices of an unsaved start. They are cleared when the next document is applied. */
export const UNSAVED_START_NOTICES = [SERVES_STORED, SERVES_UNSAVED] as const;

/**
 * Decides what a director serves if it starts with a document that it cannot save: the document that was last saved or, if that
 * cannot be served, the document in the file. See docs/decisions/0016-serve-on-when-the-disk-fails.md.
 */
export async function startUnsaved(
  file: CheckedDocument,
  { store, checkStored }: UnsavedStartParts,
): Promise<{ readonly wanted: Wanted; readonly notice: Notice }> {
  const stored = await tryLatest(store);
  const settings = file.document?.director;
  if (stored !== undefined && settings !== undefined) {
    const checked = await checkStored(stored.document, settings, file.folder);
    if (checked.document !== undefined) {
      const { revision } = stored;
      const text =
        `The director serves revision ${revision} from the store, because the document in the file is different and ` +
        "could not be saved. Send SIGHUP to apply the file when the state can be saved again.";
      return {
        wanted: { kind: "document", checked, known: { revision, isSaved: true } },
        notice: { event: SERVES_STORED, text },
      };
    }
  }
  const known = { revision: (stored?.revision ?? 0) + 1, isSaved: false };
  const text =
    "The document in the file is served without being saved, because the store has no document that can be " +
    "served. Send SIGHUP to save it when the state can be saved again.";
  return {
    wanted: { kind: "document", checked: file, known },
    notice: { event: SERVES_UNSAVED, text },
  };
}

async function tryLatest(store: RevisionStore): Promise<StoredRevision | undefined> {
  try {
    return await store.latest();
  } catch {
    return undefined;
  }
}
