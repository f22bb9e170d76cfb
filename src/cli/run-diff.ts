import type { DiffRequest } from "./commands/edit-document.ts";
import { differenceText } from "./print-change.ts";
import { readDocumentFile, type FileParts } from "./read-document-file.ts";
import { tellOfSettings } from "./run-apply.ts";
import { sendChange, type ChangeContext } from "./send-change.ts";
import { jsonText } from "./json-text.ts";

/** Prints what `tlsd apply` would change. Resolves to true if that is nothing. */
export async function runDiff(
  request: DiffRequest,
  context: ChangeContext,
  parts: FileParts,
): Promise<boolean> {
  const { terminal } = context;
  const file = await readDocumentFile(request.path, parts);
  tellOfSettings(terminal, file);
  const none = { ifRevision: undefined, reason: undefined, forgetsSessions: false };
  const terms = { ...request, ...none, isDryRun: true };
  const { changed, revision, difference } = await sendChange(context, terms, {
    method: "PUT",
    path: "/v1/document",
    body: file.document,
    condition: { "if-match": "*" },
  });
  // A change can also be that certificate files are read anew. Then the documents are equal.
  const isEqual = !changed || (difference.changes.length === 0 && difference.omitted === 0);
  if (request.isJson) {
    terminal.out(jsonText({ revision, isEqual, difference }));
  } else if (!isEqual) {
    terminal.out(differenceText(difference, terminal.hasColours?.out === true));
  }
  return isEqual;
}
