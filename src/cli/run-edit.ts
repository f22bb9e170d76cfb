import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DirectorError } from "#model/failure.ts";
import type { ChangeReply } from "#model/records/change-reply.ts";
import type { ChangeTerms } from "./commands/change-options.ts";
import { editableText } from "./exported-text.ts";
import { jsonText } from "./json-text.ts";
import { printChange } from "./print-change.ts";
import { failureShapeOf, printFailure } from "./print-failure.ts";
import { parseDocumentBytes, type FileParts } from "./read-document-file.ts";
import { exportDocument } from "./run-export.ts";
import { sendChange, type ChangeContext } from "./send-change.ts";
import { within } from "./write-file.ts";

export interface EditParts extends Pick<FileParts, "parse" | "tryReadFile" | "folder"> {
  /** Opens the file in the editor of the user. Resolves to the exit code of the editor. */
  readonly openEditor: (path: string) => Promise<number>;
  /** Asks on the terminal. Undefined if there is none. */
  readonly ask: ((question: string) => Promise<boolean>) | undefined;
}

/** What an operator can mend in the editor. */
const MENDABLE = [
  "document-unreadable",
  "document-empty",
  "document-invalid",
  "bad-request",
  "listener-unusable",
];

/**
 * Opens the document in force in an editor, checks what comes back by a dry run, and applies it unless the document has been changed
 * meanwhile. If it is refused, the edited text is kept, and the failure says where.
 */
export async function runEdit(
  terms: ChangeTerms,
  context: ChangeContext,
  parts: EditParts,
): Promise<void> {
  const { terminal } = context;
  const { document, tag } = await exportDocument(terms.socketPath);
  const before = editableText(document, tag);
  const folder = await within(tmpdir(), () => mkdtemp(join(tmpdir(), "tlsd-edit-")));
  const path = join(folder, "director.yaml");
  await within(path, () => writeFile(path, before, { mode: 0o600 }));
  const discard = (): Promise<void> => rm(folder, { recursive: true, force: true });
  for (;;) {
    const code = await parts.openEditor(path);
    const bytes = await parts.tryReadFile(path);
    if (bytes === undefined) throw new DirectorError("file-unreadable", `${path} does not exist.`);
    const isSame = Buffer.from(before).equals(bytes);
    if (code !== 0) {
      if (isSame) await discard();
      const where = isSame ? "" : ` The text is in ${path}.`;
      throw new DirectorError("editor-failed", `It ended with exit code ${code}.${where}`);
    }
    if (isSame) {
      await discard();
      const { revision } = tag;
      const sentence = "The text was not changed, so nothing is applied.\n";
      return terminal.out(terms.isJson ? jsonText({ revision, changed: false }) : sentence);
    }
    const apply = async (isDryRun: boolean): Promise<ChangeReply> => {
      const file = parseDocumentBytes(bytes, path, parts.folder, parts.parse);
      const body = file.document;
      const condition = { "if-match": tag.tag };
      const question = { method: "PUT", path: "/v1/document", body, condition } as const;
      return sendChange(context, { ...terms, isDryRun }, question);
    };
    try {
      const plan = await apply(true);
      if (terms.isDryRun && plan.changed) {
        printChange(terminal, plan, terms.isJson);
        return terminal.err(`The edited text is in ${path}; \`tlsd apply ${path}\` applies it.\n`);
      }
      printChange(terminal, !plan.changed ? plan : await apply(false), terms.isJson);
      return await discard();
    } catch (error) {
      if (!(error instanceof DirectorError)) throw error;
      const isAgain = await isEditedAgain(error, context, parts);
      if (!isAgain) throw await keptFailure(error, path);
    }
  }
}

async function isEditedAgain(
  error: DirectorError,
  { terminal }: ChangeContext,
  { ask }: EditParts,
): Promise<boolean> {
  if (ask === undefined || !MENDABLE.includes(error.code)) return false;
  printFailure(terminal, failureShapeOf(error), false);
  return ask("Edit it again? [Y/n] ");
}

async function keptFailure(error: DirectorError, path: string): Promise<DirectorError> {
  // The editor may have replaced the file.
  await within(path, () => chmod(path, 0o600));
  const { code, detail, problems } = error;
  const next =
    code === "revision-conflict"
      ? ` Another change came in while you edited. \`tlsd diff ${path}\` shows how it differs from the document in force now, and \`tlsd apply\` with --if-revision applies it.`
      : "";
  const reason = detail === path ? undefined : detail;
  const text = [reason, `The edited text is in ${path}.${next}`];
  return new DirectorError(code, text.filter((part) => part !== undefined).join(" "), {
    cause: error,
    ...(problems === undefined ? {} : { problems }),
  });
}
