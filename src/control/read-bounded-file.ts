import { closeSync, constants, fstatSync, openSync, readSync, type BigIntStats } from "node:fs";
import { open } from "node:fs/promises";
import { isAllowed, type AllowedFolders } from "#model/document/check-paths.ts";
import { errorCodeOf } from "#model/error-code.ts";
import { pathOfDescriptor, realFoldersOf, realPathOf } from "./real-path.ts";

// Without O_NONBLOCK, opening a named pipe waits for its writer.
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;
// Two writes within one tick of the kernel's clock leave the same file times (time(7)).
const CLOCK_TICK_MS = 50;

export interface FileRead {
  readonly bytes: Buffer;
  /** Changes if the file may have new contents. Symlinks are followed. "" if the file is too new to detect a further change. */
  readonly signature: string;
}

/** An error whose message is a sentence without the path. */
export class FileUnusableError extends Error {
  override readonly name = "FileUnusableError";
}

/** The file is outside of the allowed folders, or would be if it existed. */
export class FileOutsideError extends Error {
  override readonly name = "FileOutsideError";
}

interface FileStat {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

export const signatureOf = ({ dev, ino, size, mtimeNs, ctimeNs }: FileStat): string =>
  `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;

/**
 * Reads a regular file of at most `maxBytes`. `allowed` are the folders in which it must be, with all symlinks resolved. `path`
 * must be absolute if there are such folders. Throws FileUnusableError, or FileOutsideError.
 */
export async function readBoundedFile(
  path: string,
  maxBytes: number,
  allowed: AllowedFolders = "any",
): Promise<FileRead> {
  try {
    const folders = allowed === "any" ? "any" : await realFoldersIf(path, allowed);
    const file = await open(path, FLAGS);
    try {
      await checkDescriptor(file.fd, folders);
      const stat = await file.stat({ bigint: true });
      const bytes = bufferFor(stat, maxBytes);
      let length = 0;
      for (;;) {
        const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
        length += bytesRead;
        if (bytesRead === 0 || length === bytes.length) break;
      }
      return { bytes: bytes.subarray(0, length), signature: signatureAfterRead(stat) };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw failureOf(error, path);
  }
}

/**
 * Does the same by synchronous calls, which take a tenth of the time, for a file that may be anywhere. Only for a thread that may wait
 * for a file system.
 */
export function readBoundedFileNow(path: string, maxBytes: number): FileRead {
  try {
    const file = openSync(path, FLAGS);
    try {
      const stat = fstatSync(file, { bigint: true });
      const bytes = bufferFor(stat, maxBytes);
      let length = 0;
      for (;;) {
        const bytesRead = readSync(file, bytes, length, bytes.length - length, length);
        length += bytesRead;
        if (bytesRead === 0 || length === bytes.length) break;
      }
      return { bytes: bytes.subarray(0, length), signature: signatureAfterRead(stat) };
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw failureOf(error, path);
  }
}

/** Returns a buffer with one byte more than the file has, so that a file that grows is noticed. */
function bufferFor(stat: BigIntStats, maxBytes: number): Buffer {
  if (!stat.isFile()) throw new FileUnusableError("It is not a regular file.");
  if (stat.size > BigInt(maxBytes)) throw tooLarge(maxBytes);
  return Buffer.alloc(Number(stat.size) + 1);
}

function signatureAfterRead(stat: FileStat): string {
  const ageMs = Date.now() - Number(stat.mtimeNs / 1_000_000n);
  return ageMs > CLOCK_TICK_MS ? signatureOf(stat) : "";
}

function failureOf(error: unknown, path: string): unknown {
  if (path.includes("\0")) return new FileUnusableError("The path contains a zero byte.");
  if (!(error instanceof Error) || !("syscall" in error)) return error;
  return new FileUnusableError(sentenceOf(error), { cause: error });
}

/**
 * Returns the allowed folders without symlinks. Throws FileOutsideError if the path leads out of them. Nothing outside of them is
 * opened, because opening some devices has an effect.
 */
async function realFoldersIf(path: string, allowed: readonly string[]): Promise<AllowedFolders> {
  if (!isAllowed(path, allowed)) throw new FileOutsideError();
  const folders = await realFoldersOf(allowed);
  if (!isAllowed(await realPathOf(path), folders)) throw new FileOutsideError();
  return folders;
}

/** Checks the file that was opened, because a symlink may have been replaced since the path was checked. */
async function checkDescriptor(descriptor: number, folders: AllowedFolders): Promise<void> {
  if (folders === "any") return;
  let path: string;
  try {
    path = await pathOfDescriptor(descriptor);
  } catch (error) {
    throw new FileUnusableError("Its path cannot be checked, because /proc is not readable.", {
      cause: error,
    });
  }
  if (!path.startsWith("/") || !isAllowed(path, folders)) throw new FileOutsideError();
}

const tooLarge = (maxBytes: number): FileUnusableError =>
  new FileUnusableError(`It is larger than ${Math.floor(maxBytes / 1024)} KiB.`);

const SENTENCES: Readonly<Record<string, string>> = {
  ENOENT: "The file does not exist.",
  ENOTDIR: "The file does not exist.",
  EACCES: "The user of the director may not read it.",
  EPERM: "The user of the director may not read it.",
  EISDIR: "It is a folder.",
  ELOOP: "Its symlinks form a loop.",
  ENXIO: "It is not a regular file.",
  EMFILE: "The director has reached its open-file limit.",
};

function sentenceOf(error: Error): string {
  const code = errorCodeOf(error) ?? error.message;
  return SENTENCES[code] ?? `Reading it failed with ${code}.`;
}
