/** The files and unix sockets that a written document names. */
import type { TSchema } from "typebox";
import { absolutePathOf } from "./absolute-path.ts";
import type { Keys } from "./document-tree.ts";
import { mapParts, markedTextsOf, withoutShared } from "./document-parts.ts";
import type { JsonMap } from "../json.ts";
import { mapMarked } from "./map-marked.ts";
import type { Mark } from "./marks.ts";
import { pathOf } from "../problem.ts";
import { frozen } from "../remembered.ts";
import type { WrittenDocument } from "./written-document.ts";

export interface NamedPath {
  /** The place of the setting in the document, as in a problem. */
  readonly documentPath: string;
  /** The same place, with listeners by port. */
  readonly keys: Keys;
  /** The file or unix socket. */
  readonly file: string;
}

const UNIX = "unix:";

/** Returns the path that a marked value is, and what precedes it in the value. */
function tryPath(mark: Mark, value: unknown): readonly [prefix: string, file: string] | undefined {
  if (typeof value !== "string") return undefined;
  if (mark === "file") return ["", value];
  return mark === "endpoint" && value.startsWith(`${UNIX}/`)
    ? [UNIX, value.slice(UNIX.length)]
    : undefined;
}

/** Returns the value with paths that do not depend on the folder, without `.` and `..`. The schema describes the value. */
export const absolutePathsIn = (schema: TSchema, value: unknown, folder: string): unknown =>
  mapMarked(schema, value, (marked) => {
    const found = tryPath(marked.mark, marked.value);
    if (found === undefined) return marked.value;
    const [prefix, file] = found;
    return `${prefix}${absolutePathOf(folder, file)}`;
  });

/** Parts whose paths do not depend on a folder. */
const absoluteParts = new WeakSet<JsonMap>();

/** Returns the document with paths that do not depend on its folder. */
export const withAbsolutePaths = <Kind extends WrittenDocument>(
  document: Kind,
  folder: string,
): Kind =>
  mapParts(document, ({ schema, part }) => {
    if (absoluteParts.has(part)) return part;
    const absolute = absolutePathsIn(schema, part, folder) as JsonMap;
    absoluteParts.add(frozen(absolute));
    return absolute;
  });

export const pathsOf = (written: WrittenDocument): readonly NamedPath[] =>
  markedTextsOf(written).flatMap(({ mark, text, steps, keys }) => {
    const [, file] = tryPath(mark, text) ?? [];
    return file === undefined ? [] : [{ documentPath: pathOf(...steps), keys, file }];
  });

/** Returns those of the paths of a document that the document before does not name at the same place. */
export function addedPaths(
  before: WrittenDocument,
  after: readonly NamedPath[],
): readonly NamedPath[] {
  const idOf = ({ keys, file }: NamedPath): string => JSON.stringify([keys, file]);
  const known = new Set(pathsOf(before).map(idOf));
  return after.filter((path) => !known.has(idOf(path)));
}

/**
 * Returns true if the parts that differ between two documents in the same form name no path. Then no path was added, which is found without
 * a look at the parts that they share.
 */
export const addsNoPath = (before: WrittenDocument, after: WrittenDocument): boolean =>
  pathsOf(withoutShared(after, before)).length === 0;
