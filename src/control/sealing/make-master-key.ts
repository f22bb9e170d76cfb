import { link, mkdir, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCodeOf } from "#model/error-code.ts";
import { DirectorError } from "#model/failure.ts";
import { newMasterKeyText, tryParseMasterKey, type MasterKey } from "./master-key.ts";

/**
 * Makes a master key in a file that does not exist. The key is complete and on the disk before the file has its name, so a kill or
 * a power failure at any step leaves the file complete or absent. The folder of the file is created if its parent exists. Rejects
 * with DirectorError `file-unwritable`.
 */
export async function makeMasterKey(path: string): Promise<MasterKey> {
  const text = newMasterKeyText();
  const folder = dirname(path);
  // A file of this name is left behind by a kill.
  const unfinished = `${path}.new`;
  try {
    await makeFolder(folder);
    await rm(unfinished, { force: true });
    const file = await open(unfinished, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    // A rename would replace a key that was put there meanwhile.
    await link(unfinished, path);
    await rm(unfinished);
    await syncFolder(folder);
  } catch (cause) {
    text.fill(0);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DirectorError("file-unwritable", `${path}: ${reason}`, { cause });
  }
  const key = tryParseMasterKey(text);
  if (key === undefined) throw new Error("A new master key is not a master key.");
  return key;
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (errorCodeOf(error) === "EEXIST") return;
    throw error;
  }
  await syncFolder(dirname(folder));
}

/** Makes sure that a new file in the folder has its name after a power failure. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
