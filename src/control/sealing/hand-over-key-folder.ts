import { DirectorError } from "#model/failure.ts";
import { openDataFolder, type FolderOwner } from "../state/open-data-folder.ts";
import { keyFolderOf } from "./key-places.ts";

/**
 * As root, creates the folder of the master key that no setting places elsewhere, and makes the user of the control process its
 * owner. If that is not possible, the director starts all the same, and finds out when it needs the key.
 */
export function handOverKeyFolder(dataPath: string, owner: FolderOwner): void {
  try {
    openDataFolder(keyFolderOf(dataPath), owner);
  } catch (error) {
    if (!(error instanceof DirectorError)) throw error;
  }
}
