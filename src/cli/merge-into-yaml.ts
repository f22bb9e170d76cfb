import { isMap } from "yaml";
import { DirectorError } from "#model/failure.ts";
import { isSameJson, type Json, type JsonMap } from "#model/json.ts";
import { yamlText } from "./exported-text.ts";
import { mergeValues } from "./merge-values.ts";
import { DOCUMENT_ORDER } from "./key-order.ts";
import { textOf, type ParsedFile } from "./read-document-file.ts";
import { spliceYaml } from "./splice-yaml.ts";
import { commentsOf } from "./yaml-comments.ts";

/** Parses YAML or JSON. Throws `document-unreadable`. */
type Parse = (bytes: Uint8Array) => ParsedFile;

/**
 * Returns the text of a file with the document `wanted` merged into it. What does not change stays as it is, with its comments, order
 * and format, and so does `director`, unless `wanted` has it. New keys are added in the order of the schema. `folder` is the absolute
 * path of the folder of the file: a relative path that leads to the absolute path in `wanted` stays relative. A file in JSON stays
 * JSON. Throws DirectorError `document-unreadable` if the file is no document.
 */
export function mergeIntoYaml(
  bytes: Uint8Array,
  wanted: JsonMap,
  folder: string,
  parse: Parse,
): string {
  const { document, value } = parse(bytes);
  const text = textOf(bytes);
  const json = tryJson(text);
  if (json !== undefined)
    return indentedLike(text, mergeValues(json, wanted, folder, DOCUMENT_ORDER));
  if (document.contents === null) {
    const before = text === "" || text.endsWith("\n") ? text : `${text}\n`;
    return before + yamlText(wanted);
  }
  if (!isMap(document.contents)) {
    throw new DirectorError("document-unreadable", "It is not a map of keys.");
  }
  const merged = mergeValues(value as JsonMap, wanted, folder, DOCUMENT_ORDER);
  const spliced = spliceYaml(text, document, merged);
  if (isSameJson(tryValue(spliced, parse), merged)) return spliced;
  // Splicing can give another document than `merged`, for example if an alias refers to a part that changes. Then the whole text is
  // generated again, and only its comments are kept.
  const comments = commentsOf(text).map(({ text: comment }) => `${comment}\n`);
  return comments.join("") + yamlText(merged);
}

function tryValue(text: string, parse: Parse): Json | undefined {
  try {
    return parse(Buffer.from(text)).value as Json;
  } catch {
    return undefined;
  }
}

function tryJson(text: string): JsonMap | undefined {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    return JSON.parse(text) as JsonMap;
  } catch {
    return undefined;
  }
}

/** Returns JSON with the indentation that the text has. */
function indentedLike(text: string, value: Json): string {
  const indent = /^\s*\{\r?\n([ \t]+)/.exec(text)?.[1];
  return JSON.stringify(value, undefined, indent) + (text.endsWith("\n") ? "\n" : "");
}
