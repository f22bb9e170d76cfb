import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  lstatSync,
  mkdirSync,
  openSync,
} from "node:fs";
import type { FolderOwner } from "../state/open-data-folder.ts";
import { keyFolderOf } from "./key-places.ts";

/**
 * As root, creates the folder of the master key that no setting places elsewhere, and makes the user of the control process its
 * owner. A key that is in it keeps its owner. If that is not possible, the director starts all the same, and finds out when it needs
 * the folder.
 */
export function handOverKeyFolder(dataPath: string, owner: FolderOwner): void {
  const path = keyFolderOf(dataPath);
  try {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) mkdirSync(path, { mode: 0o700 });
    // Whoever may write to the parent could put a link in the place of the folder at any moment.
    const folder = openSync(
      path,
      constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW,
    );
    try {
      fchmodSync(folder, 0o700);
      fchownSync(folder, owner.uid, owner.gid);
    } finally {
      closeSync(folder);
    }
  } catch {
    // The folder is on a read-only file system or no folder, or its parent does not exist.
  }
}
