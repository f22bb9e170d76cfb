import { chmod, chown, open, realpath, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { errorCodeOf } from "#model/error-code.ts";
import { DirectorError } from "#model/failure.ts";

const PRIVATE = 0o600;

/**
 * Replaces a file as a whole, also if the machine fails meanwhile. An existing file keeps its mode and its owner, and a link
 * stays a link; a new file can be read by its owner only. `write` gets the file to write to. Rejects with `file-unwritable`, and
 * with what `write` throws; the file is then as it was.
 */
export async function replaceFile(
  path: string,
  write: (file: FileHandle) => Promise<void>,
  isPrivate = false,
): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const beside = join(dirname(target), `.${basename(target)}.${randomUUID()}`);
  const file = await within(path, () => open(beside, "wx", PRIVATE));
  try {
    try {
      await write(file);
      await within(path, async () => {
        await keepRights(target, beside, isPrivate);
        await file.sync();
      });
    } finally {
      await file.close();
    }
    await within(path, async () => {
      await rename(beside, target);
      await syncFolder(dirname(target));
    });
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/** Does work on a file. Rejects with `file-unwritable`. */
export async function within<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DirectorError("file-unwritable", `${path}: ${reason}`, { cause });
  }
}

async function keepRights(target: string, beside: string, isPrivate: boolean): Promise<void> {
  try {
    const { mode, uid, gid } = await stat(target);
    if (process.getuid?.() === 0) await chown(beside, uid, gid);
    if (!isPrivate) await chmod(beside, mode & 0o7777);
  } catch (error) {
    if (errorCodeOf(error) !== "ENOENT") throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
