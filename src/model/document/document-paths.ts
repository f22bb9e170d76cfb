/** The files and unix sockets that a written document names. */
import type { TSchema } from "typebox";
import { absolutePathOf } from "./absolute-path.ts";
import type { Keys } from "./document-tree.ts";
import { DocumentSchema } from "./document.ts";
import { mapMarked, type MarkedValue } from "./map-marked.ts";
import { pathOf } from "../problem.ts";
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
function tryPath({
  mark,
  value,
}: MarkedValue): readonly [prefix: string, file: string] | undefined {
  if (typeof value !== "string") return undefined;
  if (mark === "file") return ["", value];
  return mark === "endpoint" && value.startsWith(`${UNIX}/`)
    ? [UNIX, value.slice(UNIX.length)]
    : undefined;
}

/** Returns the value with paths that do not depend on the folder, without `.` and `..`. The schema describes the value. */
export const absolutePathsIn = (schema: TSchema, value: unknown, folder: string): unknown =>
  mapMarked(schema, value, (marked) => {
    const found = tryPath(marked);
    if (found === undefined) return marked.value;
    const [prefix, file] = found;
    return `${prefix}${absolutePathOf(folder, file)}`;
  });

/** Returns the document with paths that do not depend on its folder. */
export const withAbsolutePaths = <Kind extends WrittenDocument>(
  document: Kind,
  folder: string,
): Kind => absolutePathsIn(DocumentSchema, document, folder) as Kind;

export function pathsOf(written: WrittenDocument): readonly NamedPath[] {
  const paths: NamedPath[] = [];
  mapMarked(DocumentSchema, written, (marked) => {
    const found = tryPath(marked);
    const { steps, keys } = marked;
    if (found !== undefined) {
      paths.push({ documentPath: pathOf(...steps), keys, file: found[1] });
    }
    return marked.value;
  });
  return paths;
}

/** Returns those of the paths of a document that the document before does not name at the same place. */
export function addedPaths(
  before: WrittenDocument,
  after: readonly NamedPath[],
): readonly NamedPath[] {
  const idOf = ({ keys, file }: NamedPath): string => JSON.stringify([keys, file]);
  const known = new Set(pathsOf(before).map(idOf));
  return after.filter((path) => !known.has(idOf(path)));
}
