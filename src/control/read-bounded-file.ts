import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { errorCodeOf } from "#model/error-code.ts";

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

interface FileStat {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

export const signatureOf = ({ dev, ino, size, mtimeNs, ctimeNs }: FileStat): string =>
  `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;

/** Reads a regular file of at most `maxBytes`. Throws FileUnusableError. */
export async function readBoundedFile(path: string, maxBytes: number): Promise<FileRead> {
  try {
    // Without O_NONBLOCK, opening a named pipe waits for its writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await file.stat({ bigint: true });
      if (!stat.isFile()) throw new FileUnusableError("It is not a regular file.");
      if (stat.size > BigInt(maxBytes)) throw tooLarge(maxBytes);
      const bytes = Buffer.alloc(Number(stat.size) + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
        length += bytesRead;
        if (bytesRead === 0 || length === bytes.length) break;
      }
      const ageMs = Date.now() - Number(stat.mtimeNs / 1_000_000n);
      const signature = ageMs > CLOCK_TICK_MS ? signatureOf(stat) : "";
      return { bytes: bytes.subarray(0, length), signature };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (path.includes("\0")) throw new FileUnusableError("The path contains a zero byte.");
    if (!(error instanceof Error) || !("syscall" in error)) throw error;
    throw new FileUnusableError(sentenceOf(error), { cause: error });
  }
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
