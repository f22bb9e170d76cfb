import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { projectFolder } from "./tlsd.ts";

const fixtures = join(projectFolder, "test/fixtures/state");

/**
 * Puts a database of layout 1 into the folder, with three revisions that were saved by the version before the store. The second
 * has a listener with defaults of other modes, as an early version saved it.
 */
export async function copyLandedState(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await copyFile(join(fixtures, "landed.db"), join(folder, "state.db"));
}

/** Revision 3 of that database as it is to be read, with paths made absolute against `/etc/tlsd`. */
export async function landedDocument(): Promise<unknown> {
  return JSON.parse(await readFile(join(fixtures, "landed-document.json"), "utf8"));
}
