import { absolutePathOf, isBelow } from "./absolute-path.ts";
import { pathsOf, type NamedPath } from "./document-paths.ts";
import type { Problem } from "../failure.ts";
import { MAX_PATH_LENGTH } from "./marks.ts";
import { problemOf, quoted } from "../problem.ts";
import type { WrittenDocument } from "./written-document.ts";

/** The folders in which a file must be. They are absolute. */
export type AllowedFolders = "any" | readonly string[];

/** Returns in which folders a file must be to be read. The path of the file is absolute. */
export type FoldersOf = (file: string) => AllowedFolders;

/** Returns `folders` for every file that the document of the director's own file does not name. */
export function foldersExcept(
  ownFile: WrittenDocument | undefined,
  folders: readonly string[],
): FoldersOf {
  const exempt = new Set(pathsOf(ownFile ?? {}).map(({ file }) => absolutePathOf("/", file)));
  const normal = folders.map((folder) => absolutePathOf("/", folder));
  return (file) => (exempt.has(file) ? "any" : normal);
}

/** Refuses paths that only became too long when they were made absolute. The schema refuses the others. */
export const checkPathLengths = (paths: readonly NamedPath[]): readonly Problem[] =>
  paths
    .filter(({ file }) => file.length > MAX_PATH_LENGTH)
    .map(({ documentPath }) => {
      const message = `With the folder of the document, the path has more than ${MAX_PATH_LENGTH} characters.`;
      return problemOf("bad-value", documentPath, message, "Use a shorter path.");
    });

/** Whether the path is in an allowed folder. Symlinks are not resolved. */
export const isAllowed = (file: string, allowed: AllowedFolders): boolean =>
  allowed === "any" || allowed.some((folder) => isBelow(absolutePathOf("/", file), folder));

/** The problem is the same whether or not the file exists, so that it does not tell what exists. */
export const pathOutside = (place: string, file: string): Problem =>
  problemOf("path-outside", place, `${quoted(file)} is outside of the allowed folders.`);

/** Refuses paths outside of the allowed folders, without looking at the disk. The paths are absolute. */
export const checkPaths = (paths: readonly NamedPath[], foldersOf: FoldersOf): readonly Problem[] =>
  paths
    .filter(({ file }) => !isAllowed(file, foldersOf(file)))
    .map(({ documentPath, file }) => pathOutside(documentPath, file));
