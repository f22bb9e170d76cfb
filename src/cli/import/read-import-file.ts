import { constants, type Stats } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { DirectorError } from "#model/failure.ts";
import { problemOf, quoted } from "#model/problem.ts";
import type { FolderEntry } from "./plan-folder.ts";

/** A file as a request has it. */
export interface SentFile {
  readonly name: string;
  readonly base64: string;
}

/** The limit of the director for one file. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;
/** The limit of the director for the name of a file, which only messages show. */
const MAX_NAME_LENGTH = 200;
const MAX_ENTRIES = 100_000;
const MAX_DEPTH = 8;
/** What a shell gives for `<(command)`. Its other end is open already, so that opening it does not wait. */
const DESCRIPTOR = /^\/(?:dev\/fd|proc\/self\/fd)\/\d+$/;

/** Reads a file that is to be imported. Rejects with `file-unreadable` if it is no regular file or is too large. */
export async function readImportFile(path: string): Promise<SentFile> {
  try {
    const isDescriptor = DESCRIPTOR.test(path);
    // A FIFO that nobody writes to would hold up the command for ever.
    const flags = constants.O_RDONLY | (isDescriptor ? 0 : constants.O_NONBLOCK);
    await using file = await open(path, flags);
    const found = await file.stat();
    if (!found.isFile() && !isDescriptor) throw new Error("It is not a regular file.");
    const chunks: Buffer[] = [];
    let bytes = 0;
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(64 * 1024));
      if (bytesRead === 0) break;
      bytes += bytesRead;
      if (bytes > MAX_FILE_BYTES) throw new Error("It has more than 4 MiB.");
      chunks.push(buffer.subarray(0, bytesRead));
    }
    const name = basename(path).slice(-MAX_NAME_LENGTH);
    return { name, base64: Buffer.concat(chunks).toString("base64") };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `${quoted(path)} cannot be read. ${reason}`;
    const problems = [
      problemOf("file-unreadable", "", message, "Check the path and its permissions."),
    ];
    throw new DirectorError("certificate-refused", undefined, { cause, problems });
  }
}

/**
 * Lists what is in a folder and below. Links are followed, but each folder is listed once: a link to a folder above it would list all
 * files again. Folders whose names begin with a dot are not listed: Kubernetes keeps the files of a secret in one, with links to them
 * beside it. Rejects with `certificate-refused`.
 */
export async function listFolder(folder: string): Promise<readonly FolderEntry[]> {
  const entries: FolderEntry[] = [];
  const identityOf = ({ dev, ino }: Stats): string => `${dev}:${ino}`;
  const listed = new Set<string>();
  const walk = async (below: string, depth: number): Promise<void> => {
    for (const name of (await readdir(join(folder, below))).toSorted()) {
      const path = below === "" ? name : `${below}/${name}`;
      const found = await stat(join(folder, path)).catch(() => undefined);
      if (found?.isDirectory() === true) {
        const identity = identityOf(found);
        if (name.startsWith(".")) entries.push({ path, kind: "hidden" });
        else if (listed.has(identity)) entries.push({ path, kind: "seen" });
        else if (depth < MAX_DEPTH) {
          listed.add(identity);
          await walk(path, depth + 1);
        }
      } else {
        entries.push({ path, kind: found?.isFile() === true ? "file" : "other" });
      }
      if (entries.length > MAX_ENTRIES) throw new Error(`It holds more than ${MAX_ENTRIES} files.`);
    }
  };
  try {
    listed.add(identityOf(await stat(folder)));
    await walk("", 1);
    return entries;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `The folder ${quoted(folder)} cannot be read. ${reason}`;
    const problems = [
      problemOf("file-unreadable", "", message, "Check the path and its permissions."),
    ];
    throw new DirectorError("certificate-refused", undefined, { cause, problems });
  }
}
