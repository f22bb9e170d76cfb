import { editorSchema } from "#model/document/editor-schema.ts";
import type { Terminal } from "./terminal.ts";

export const schemaText = (): string => `${JSON.stringify(editorSchema(), undefined, 2)}\n`;

/** Prints the JSON Schema of the document. */
export function runSchema(terminal: Terminal): void {
  terminal.out(schemaText());
}
