import { createReadStream, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Revision } from "#model/document/document.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import { DirectorError } from "#model/failure.ts";
import { parseYamlFile, readYamlFile } from "#control/read-yaml-file.ts";
import { lockFolder } from "../lock-folder.ts";
import { openDataFolder } from "../open-data-folder.ts";
import type { BackupHeader } from "./backup-line.ts";
import { restoreBackup } from "./restore-backup.ts";

export interface RestoreTarget {
  /** The data folder. If it is undefined, it is that of the document `configPath`. */
  readonly dataPath: string | undefined;
  readonly configPath: string | undefined;
}

export interface RestoredData extends Pick<BackupHeader, "writtenBy" | "at"> {
  readonly dataPath: string;
  /** The newest revision; 0 if there is none. */
  readonly revision: Revision;
}

/**
 * Replaces the state in a data folder with a backup. The owner of the folder becomes the owner of the state. Rejects with
 * `data-locked` if a director uses the folder, with `document-unreadable` or `file-unreadable`, and as `restoreBackup` does.
 */
export async function restoreData(
  chunks: AsyncIterable<Uint8Array>,
  target: RestoreTarget,
  program: string,
): Promise<RestoredData> {
  const dataPath = await dataPathOf(target);
  openDataFolder(dataPath);
  const lock = lockFolder(dataPath);
  try {
    const { header, revision } = await restoreBackup(named(chunks), { folder: dataPath, program });
    const { writtenBy, at } = header;
    return { dataPath, revision, writtenBy, at };
  } finally {
    lock.release();
    if (process.getuid?.() === 0) openDataFolder(dataPath, statSync(dataPath));
  }
}

/** Opens the file when it is first read, so that an error of it is thrown to the reader. */
export async function* chunksOfFile(path: string): AsyncGenerator<Uint8Array, void> {
  yield* createReadStream(path);
}

/** Names why the backup cannot be read. */
async function* named(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  try {
    yield* chunks;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DirectorError("file-unreadable", reason, { cause });
  }
}

async function dataPathOf({ dataPath, configPath = "" }: RestoreTarget): Promise<string> {
  if (dataPath !== undefined) return resolve(dataPath);
  const { value } = parseYamlFile(await readYamlFile(configPath), configPath);
  return resolve(dirname(configPath), parseDocument(value).draft.director.data);
}
