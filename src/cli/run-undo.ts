import type { UndoRequest } from "./commands/undo.ts";
import { readDocumentTag } from "./document-tag.ts";
import { printChange } from "./print-change.ts";
import { sendChange, type ChangeContext } from "./send-change.ts";

/** Takes back a change of the document in force. A change that comes in between is a conflict. */
export async function runUndo(request: UndoRequest, context: ChangeContext): Promise<void> {
  const { revision, to, socketPath, ifRevision } = request;
  const body = {
    ...(revision === undefined ? {} : { revision }),
    ...(to === undefined ? {} : { to }),
  };
  const condition: Readonly<Record<string, string>> =
    ifRevision === undefined ? { "if-match": (await readDocumentTag(socketPath)).tag } : {};
  const question = { method: "POST", path: "/v1/undo", body, condition } as const;
  printChange(context.terminal, await sendChange(context, request, question), request.isJson);
}
