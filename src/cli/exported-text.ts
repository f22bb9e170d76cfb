/** The text of `tlsd export`: the document as YAML, after lines that say which revision of which store it is. */
import { stringify } from "yaml";
import type { Json, JsonMap } from "#model/json.ts";
import type { DocumentTag } from "./document-tag.ts";

export interface Origin {
  readonly revision: number;
  /** Undefined if the text does not say so. */
  readonly storeId: string | undefined;
}

const REVISION_LINE = /^# revision: (\d{1,9})[ \t]*\r?$/m;
const STORE_LINE = /^# store: (\S{1,128})[ \t]*\r?$/m;

/** Returns YAML in which long texts stay on one line. */
export const yamlText = (value: Json): string => stringify(value, { lineWidth: 0 });

export const exportedText = (document: JsonMap, tag: DocumentTag): string =>
  `${originLines(tag)}${yamlText(document)}`;

/** Returns the text to edit. An empty document has no `{}`, to which no lines could be added. */
export const editableText = (document: JsonMap, tag: DocumentTag): string =>
  Object.keys(document).length === 0 ? originLines(tag) : exportedText(document, tag);

const originLines = ({ revision, storeId }: Pick<DocumentTag, "revision" | "storeId">): string =>
  `# revision: ${revision}\n# store: ${storeId}\n`;

/** Returns what the comments before the document say, or undefined if they name no revision. */
export function tryOrigin(text: string): Origin | undefined {
  const head = headOf(text);
  const revision = REVISION_LINE.exec(head)?.[1];
  if (revision === undefined) return undefined;
  return { revision: Number(revision), storeId: STORE_LINE.exec(head)?.[1] };
}

/** Returns the text with another origin, if it names one. */
export function withOrigin(text: string, { revision, storeId }: DocumentTag): string {
  const head = headOf(text);
  const renewed = head
    .replace(REVISION_LINE, `# revision: ${revision}`)
    .replace(STORE_LINE, `# store: ${storeId}`);
  return renewed + text.slice(head.length);
}

/** Returns the comments and empty lines before the document. */
function headOf(text: string): string {
  let length = 0;
  for (const line of text.split(/(?<=\n)/)) {
    if (!/^(?:#|[ \t]*\r?\n?$)/.test(line)) break;
    length += line.length;
  }
  return text.slice(0, length);
}
