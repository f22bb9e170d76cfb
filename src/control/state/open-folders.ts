import { accessSync, constants, statSync } from "node:fs";
import { DirectorError } from "#model/failure.ts";
import type { Notice } from "#control/notice.ts";
import { lockFolder, shareFolder, type FolderLock } from "./lock-folder.ts";
import { openDataFolder, type FolderOwner } from "./open-data-folder.ts";
import { isStorageTrouble } from "./storage-trouble.ts";
import type { WantedFolders } from "./wanted-folders.ts";

export interface Folders {
  readonly dataPath: string;
  readonly runtimePath: string;
  /** States that the data folder cannot be written to, and where the admin socket is instead. */
  readonly notice: Notice | undefined;
  /** Unlocks the folders. */
  release(): void;
}

/** As root, gives the folders to the user that the control process will run as. Throws `data-unusable`. */
export function handOverFolders(wanted: WantedFolders, owner: FolderOwner): void {
  const obstacle = tryOpen(wanted.dataPath, owner);
  if (wanted.runtimePath !== undefined) openDataFolder(wanted.runtimePath, owner);
  else if (obstacle !== undefined) openFirst(wanted, owner, obstacle);
}

/**
 * Opens and locks the folders. If the data folder cannot be written to, because the disk is full, broken or mounted
 * read-only, the director starts all the same, and admin socket and lock are in a runtime folder. Throws DirectorError
 * `data-locked` if another director has locked one of the folders, `data-unusable` if no folder can be written to.
 */
export function openFolders(wanted: WantedFolders): Folders {
  const locks: FolderLock[] = [];
  const release = (): void => {
    for (const lock of locks) lock.release();
  };
  const { dataPath } = wanted;
  try {
    const obstacle = tryOpen(dataPath) ?? tryLock(dataPath, locks);
    if (obstacle !== undefined) locks.push(shareFolder(dataPath));
    const runtimePath =
      wanted.runtimePath ??
      (obstacle === undefined ? dataPath : openFirst(wanted, undefined, obstacle));
    if (runtimePath !== dataPath) {
      openDataFolder(runtimePath);
      locks.push(lockFolder(runtimePath));
    }
    const notice = obstacle === undefined ? undefined : noticeOf(dataPath, runtimePath, obstacle);
    return { dataPath, runtimePath, notice, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Returns why the folder cannot be written to, or undefined if it can. Throws `data-unusable` if it is set up wrongly. */
function tryOpen(path: string, owner?: FolderOwner): string | undefined {
  try {
    openDataFolder(path, owner);
    // A privileged process can write even if the mode does not permit it.
    if ((statSync(path).mode & 0o200) === 0) return "its mode gives nobody permission to write";
    accessSync(path, constants.W_OK);
    return undefined;
  } catch (error) {
    if (error instanceof DirectorError && !isStorageTrouble(error)) throw error;
    return reasonOf(error);
  }
}

function tryLock(path: string, locks: FolderLock[]): string | undefined {
  try {
    locks.push(lockFolder(path));
    return undefined;
  } catch (error) {
    if (error instanceof DirectorError && error.code === "data-locked") throw error;
    return reasonOf(error);
  }
}

function openFirst(
  { dataPath, fallbacks }: WantedFolders,
  owner: FolderOwner | undefined,
  obstacle: string,
): string {
  const refusals: string[] = [];
  for (const path of fallbacks) {
    try {
      openDataFolder(path, owner);
      accessSync(path, constants.W_OK);
      return path;
    } catch (error) {
      refusals.push(reasonOf(error));
    }
  }
  throw new DirectorError(
    "data-unusable",
    `${dataPath} cannot be written to: ${obstacle}. No runtime folder can be used instead ` +
      `(${refusals.join("; ")}). Set one with --runtime or director.runtime.`,
  );
}

const noticeOf = (dataPath: string, runtimePath: string, obstacle: string): Notice => ({
  event: "data-folder-unwritable",
  text:
    `The data folder ${dataPath} cannot be written to: ${obstacle}. The admin socket is ${runtimePath}/tlsd.sock; ` +
    "changes of the document are refused while they cannot be saved.",
});

const reasonOf = (error: unknown): string => {
  const cause = error instanceof DirectorError ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
};
