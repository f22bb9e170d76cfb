import { editorSchema } from "#model/document/editor-schema.ts";
import type { Terminal } from "./terminal.ts";
import { jsonText } from "./json-text.ts";

export const schemaText = (): string => jsonText(editorSchema());

/** Prints the JSON Schema of the document. */
export function runSchema(terminal: Terminal): void {
  terminal.out(schemaText());
}
