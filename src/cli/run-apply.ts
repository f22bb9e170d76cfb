import { DirectorError } from "#model/failure.ts";
import type { ApplyRequest } from "./commands/edit-document.ts";
import { readDocumentTag, tagAt } from "./document-tag.ts";
import { printChange } from "./print-change.ts";
import { readDocumentFile, type DocumentOfFile, type FileParts } from "./read-document-file.ts";
import { sendChange, type ChangeContext } from "./send-change.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Replaces the document in force by that of a file. The file, `--if-revision` or `--force` says on which revision: the document is
 * replaced as a whole, so what others have changed since would otherwise be lost. A file that is in force already changes nothing,
 * whatever revision it names.
 */
export async function runApply(
  request: ApplyRequest,
  context: ChangeContext,
  parts: FileParts,
): Promise<void> {
  const file = await readDocumentFile(request.path, parts);
  tellOfSettings(context.terminal, file);
  const condition = await conditionOf(request, file);
  const put = { method: "PUT", path: "/v1/document", body: file.document } as const;
  try {
    const reply = await sendChange(context, request, { ...put, condition });
    printChange(context.terminal, reply, request.isJson);
  } catch (error) {
    const isStale = error instanceof DirectorError && error.code === "revision-conflict";
    if (!isStale || request.ifRevision !== undefined) throw error;
    // The file may be in force already, for example because it is applied for the second time.
    const terms = { ...request, isDryRun: true };
    const question = { ...put, condition: { "if-match": "*" } };
    const plan = await sendChange(context, terms, question).catch(() => undefined);
    if (plan?.changed !== false) throw error;
    printChange(context.terminal, { ...plan, dryRun: request.isDryRun }, request.isJson);
  }
}

export function tellOfSettings(terminal: Terminal, { hadSettings }: DocumentOfFile): void {
  if (!hadSettings) return;
  terminal.err(
    "`director:` was left out. It holds start-up settings, which the director reads from its own file.\n",
  );
}

async function conditionOf(
  { path, isForced, isDryRun, ifRevision, socketPath }: ApplyRequest,
  { origin }: DocumentOfFile,
): Promise<Readonly<Record<string, string>>> {
  if (ifRevision !== undefined) return {};
  if (isForced) return { "if-match": "*" };
  if (origin !== undefined) {
    const current = await readDocumentTag(socketPath);
    const { storeId = current.storeId, revision } = origin;
    if (storeId === current.storeId) return { "if-match": tagAt(current, revision) };
    const detail = `${path} was exported from another store, as revision ${revision}.`;
    throw new DirectorError("revision-conflict", detail);
  }
  if (isDryRun) return { "if-match": "*" };
  throw new DirectorError("revision-not-named", `${path} has no line \`# revision: N\`.`);
}
