import { chmodSync, existsSync, lchownSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DirectorError } from "#model/failure.ts";

/** Name of the lock file. A folder that contains it is a data folder. */
export const LOCK_FILE = "lock";

export interface FolderOwner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Creates the data or runtime folder with mode 0700 in an existing folder, or checks it if it exists. If `owner` is given, this
 * process is root, and that user becomes the owner of the folder and of its files. Throws DirectorError `data-unusable`.
 */
export function openDataFolder(path: string, owner?: FolderOwner): void {
  try {
    if (!existsSync(path)) mkdirSync(path, { mode: 0o700 });
    closeToOthers(path);
    if (owner === undefined) return;
    lchownSync(path, owner.uid, owner.gid);
    for (const name of readdirSync(path)) lchownSync(join(path, name), owner.uid, owner.gid);
  } catch (error) {
    if (error instanceof DirectorError) throw error;
    throw new DirectorError("data-unusable", sentenceOf(path, error), { cause: error });
  }
}

/** A folder that was not created by a director may be /tmp, so its mode is changed only if it is empty. */
function closeToOthers(path: string): void {
  if ((statSync(path).mode & 0o077) === 0) return;
  const names = readdirSync(path);
  if (names.length > 0 && !names.includes(LOCK_FILE)) {
    throw new DirectorError(
      "data-unusable",
      `${path} is accessible to other users and contains other files. Use a new folder.`,
    );
  }
  chmodSync(path, 0o700);
}

const sentenceOf = (path: string, error: unknown): string =>
  `${path}: ${error instanceof Error ? error.message : String(error)}`;
