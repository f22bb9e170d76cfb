import { checkPaths, isAllowed, pathOutside, type FoldersOf } from "#model/document/check-paths.ts";
import type { NamedPath } from "#model/document/document-paths.ts";
import type { Problem } from "#model/failure.ts";
import { inTurn } from "./certificates/in-turn.ts";
import { realFoldersOf, realPathOf } from "./real-path.ts";

/**
 * Refuses paths that lead out of the allowed folders, also through symlinks. A path that is outside as text is refused without a
 * look at the disk. A file is checked again whenever it is read; a unix socket is checked only here.
 */
export async function checkRealPaths(
  paths: readonly NamedPath[],
  foldersOf: FoldersOf,
): Promise<readonly Problem[]> {
  const problems = await inTurn(paths, async (path) => {
    const outside = checkPaths([path], foldersOf);
    return outside.length > 0 ? outside : checkRealPath(path, foldersOf);
  });
  return problems.flat();
}

async function checkRealPath(
  { documentPath, file }: NamedPath,
  foldersOf: FoldersOf,
): Promise<readonly Problem[]> {
  const allowed = foldersOf(file);
  if (allowed === "any") return [];
  const isInside = isAllowed(await realPathOf(file), await realFoldersOf(allowed));
  return isInside ? [] : [pathOutside(documentPath, file)];
}
