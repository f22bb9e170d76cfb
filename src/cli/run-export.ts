import { dirname, resolve } from "node:path";
import type { JsonMap } from "#model/json.ts";
import { exchangeWithAdmin, pathWith } from "./admin-client.ts";
import type { ExportRequest } from "./commands/edit-document.ts";
import { documentTagOf, type DocumentTag } from "./document-tag.ts";
import { exportedText, withOrigin } from "./exported-text.ts";
import { mergeIntoYaml } from "./merge-into-yaml.ts";
import { textOf, type FileParts } from "./read-document-file.ts";
import type { Terminal } from "./terminal.ts";
import { replaceFile, within } from "./write-file.ts";
import { jsonText } from "./json-text.ts";

const DEADLINE_MS = 30_000;

export interface Exported {
  readonly document: JsonMap;
  readonly tag: DocumentTag;
}

/** Resolves to the document in force. Rejects as `askAdmin` does. */
export async function exportDocument(socketPath: string, isEffective = false): Promise<Exported> {
  const { value, tag } = await exchangeWithAdmin(socketPath, {
    method: "GET",
    path: pathWith("/v1/document", { effective: isEffective ? "true" : undefined }),
    deadlineMs: DEADLINE_MS,
  });
  return { document: value as JsonMap, tag: documentTagOf(tag) };
}

/** Prints the document in force, or merges it into a file and keeps the comments of the file. */
export async function runExport(
  request: ExportRequest,
  terminal: Terminal,
  { parse, tryReadFile }: FileParts,
): Promise<void> {
  const { socketPath, isEffective, isJson, into } = request;
  const { document, tag } = await exportDocument(socketPath, isEffective);
  const { revision } = tag;
  if (into === undefined) {
    const text = isJson ? jsonText(document) : exportedText(document, tag);
    return terminal.out(text);
  }
  const bytes = (await tryReadFile(into)) ?? new Uint8Array();
  const before = textOf(bytes);
  const merged =
    before === ""
      ? exportedText(document, tag)
      : mergeIntoYaml(bytes, document, dirname(resolve(into)), (text) => parse(text, into));
  const after = withOrigin(merged, tag);
  if (after !== before) {
    await replaceFile(into, (file) => within(into, () => file.writeFile(after)));
  }
  if (isJson) {
    const result = { path: into, revision, changed: after !== before };
    return terminal.out(jsonText(result));
  }
  const sentence =
    after === before
      ? `${into} has revision ${revision} already.`
      : `${into} has the document of revision ${revision} now.`;
  terminal.out(`${sentence}\n`);
}
