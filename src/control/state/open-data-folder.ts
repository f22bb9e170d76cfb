import { chmodSync, existsSync, lchownSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DirectorError } from "#model/failure.ts";

/** The lock's file: a folder that has it is a data folder. */
export const LOCK_FILE = "lock";

export interface FolderOwner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Makes the data or runtime folder with mode 0700 in a folder that is there, or checks the one that is there. With `owner`,
 * for whom root prepares it, the folder and what lies in it become theirs. Throws DirectorError `data-unusable`.
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

/** A folder that is not ours yet may be somebody's /tmp: its mode is changed only where nothing depends on it. */
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
