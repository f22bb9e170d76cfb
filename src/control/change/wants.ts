import { sharedWith } from "#model/document/document-parts.ts";
import type { Revision } from "#model/document/document.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { DirectorError } from "#model/failure.ts";
import { isJsonMap } from "#model/json.ts";
import type { LoadOptions } from "../certificates/load-sources.ts";
import type { DocumentInForce } from "../certificates/source-entry.ts";
import type { CheckedDocument } from "../check-file.ts";
import type { DocumentStore } from "../state/document-store.ts";
import type { ChangeRequest, StateInForce, WantedDocument } from "./change.ts";
import type { DocumentFile } from "./document-file.ts";
import { planRestore, planUndo } from "./undo.ts";

type Want = ChangeRequest["want"];

/** Computes the wanted document from the one in force. The result is checked afterwards. Throws DirectorError. */
export type DocumentEdit = (inForce: StateInForce) => unknown;

/** What an undo takes back. By default it is the newest change that is neither an undo nor undone. */
export interface UndoTarget {
  /** The revision to take back. */
  readonly revision?: Revision;
  /** If this is set, the whole document of this revision is restored, and no single revision is taken back. */
  readonly to?: Revision;
}

export interface CheckTerms {
  /** False if what the document adds has been in force before, and has been allowed then. */
  readonly isNew: boolean;
  /** Versions of certificates that are not saved yet. */
  readonly candidates?: LoadOptions["candidates"];
}

export interface WantParts {
  readonly file: DocumentFile;
  readonly store: DocumentStore;
  readonly certificates: { readonly inForce: DocumentInForce | undefined };
  /** Checks a document as a change of the document in force. */
  readonly checkWanted: (
    document: unknown,
    before: WrittenDocument,
    inForce: DocumentInForce | undefined,
    terms: CheckTerms,
  ) => Promise<CheckedDocument>;
}

/** What an operator can want, as functions for `ChangeRequest.want`. */
export interface Wants {
  /** The document of the file. `isForced` means even if the store has changes that the file does not have. */
  file(isForced: boolean): Want;
  edit(edit: DocumentEdit): Want;
  undo(target: UndoTarget): Want;
}

export function buildWants({ file, store, certificates, checkWanted }: WantParts): Wants {
  const checked = async (
    document: unknown,
    { written }: StateInForce,
    isNew: boolean,
  ): Promise<WantedDocument> => ({
    kind: "document",
    checked: await checkWanted(
      isJsonMap(document) ? sharedWith(written, document) : document,
      written,
      certificates.inForce,
      { isNew },
    ),
  });
  return {
    file: (isForced) => (inForce) => file.want(inForce, certificates.inForce, isForced),
    edit: (edit) => async (inForce) => checked(edit(served(inForce)), served(inForce), true),
    undo:
      ({ revision, to }) =>
      async (inForce) => {
        const before = served(inForce);
        const { document, cause, undoes } = await (to === undefined
          ? planUndo(store, before.written, revision)
          : planRestore(store, to));
        return { ...(await checked(document, before, false)), cause, undoes };
      },
  };
}

/** Throws `not-ready` before the first document is served. */
export function served(inForce: StateInForce | undefined): StateInForce {
  if (inForce === undefined) throw new DirectorError("not-ready");
  return inForce;
}
