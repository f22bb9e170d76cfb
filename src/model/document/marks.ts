/** Marks in the schema of the document. They say what a text means, so that code finds it without a list of fields. */
import Type from "typebox";
import type { SchemaNode } from "./discriminated-union.ts";

/**
 * `file` is the path of a file. `endpoint` is a text that is the path of a unix socket if it begins with `unix:`. `secret` is
 * shown only as a fingerprint.
 */
export type Mark = "file" | "endpoint" | "secret";

/** The longest path that the kernel accepts (PATH_MAX of Linux, with its terminating zero). */
export const MAX_PATH_LENGTH = 4096;

export const filePath = (description: string) =>
  Type.String({ minLength: 1, maxLength: MAX_PATH_LENGTH, mark: "file", description });

export const endpointText = () => Type.String({ minLength: 1, maxLength: 512, mark: "endpoint" });

/** One line of text. `writeOnly` tells editors and API clients that it is never returned. */
export const secretText = (description: string) =>
  Type.String({
    minLength: 1,
    maxLength: 1024,
    pattern: "^[^\\0\\r\\n]*$",
    mark: "secret",
    writeOnly: true,
    description,
  });

/** Returns the mark of a schema. A union of types has the mark of its text. */
export const markOf = (schema: SchemaNode): Mark | undefined =>
  schema.mark ?? schema.anyOf?.find(({ mark }) => mark !== undefined)?.mark;
