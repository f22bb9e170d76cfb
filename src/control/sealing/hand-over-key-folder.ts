import { chmodSync, lchownSync, lstatSync, mkdirSync } from "node:fs";
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
    if (!lstatSync(path).isDirectory()) return;
    chmodSync(path, 0o700);
    lchownSync(path, owner.uid, owner.gid);
  } catch {
    // The folder is on a read-only file system, or its parent does not exist.
  }
}
