import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { errorCodeOf } from "#model/error-code.ts";

/** More than the first line of a file with a secret has. */
const MAX_BYTES = 16 * 1024;
const POLL_MS = 20;
const NEWLINE = 0x0a;
/** What a shell gives for `<(command)`. Its other end has been opened already. */
const DESCRIPTOR = /^\/(?:dev\/fd|proc\/self\/fd)\/\d+$/;

export interface SecretDeadlines {
  /** How long a FIFO may have no writer. */
  readonly writerMs: number;
  /** How long the first line may take. The program that writes it may ask a person. */
  readonly lineMs: number;
}

const DEFAULT_DEADLINES: SecretDeadlines = { writerMs: 10_000, lineMs: 300_000 };

/**
 * Reads a file until the end of its first line, or at most 16 KiB. The file may be a FIFO. Rejects with an Error whose message is a
 * sentence or that of the system.
 */
export async function readSecretFile(
  path: string,
  { writerMs, lineMs }: SecretDeadlines = DEFAULT_DEADLINES,
): Promise<Uint8Array> {
  // A call that waits for the writer of a FIFO can neither be interrupted nor left alone: the process would not exit.
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const isFifo = (await file.stat()).isFIFO();
  const startedMs = performance.now();
  const bytes = Buffer.alloc(MAX_BYTES);
  let length = 0;
  let hadWriter = !isFifo || DESCRIPTOR.test(path);
  while (length < bytes.length && !bytes.subarray(0, length).includes(NEWLINE)) {
    const bytesRead = await readIfReady(file, bytes, length);
    if (bytesRead !== 0) hadWriter = true;
    else if (hadWriter) break;
    if (bytesRead !== undefined && bytesRead > 0) {
      length += bytesRead;
      continue;
    }
    const waitedMs = performance.now() - startedMs;
    if (!hadWriter && waitedMs > writerMs) {
      throw new Error(
        `It is a FIFO, and nothing has opened it for writing within ${writerMs / 1_000} s.`,
      );
    }
    if (waitedMs > lineMs) throw new Error(`It had no line within ${lineMs / 1_000} s.`);
    await delay(POLL_MS);
  }
  return bytes.subarray(0, length);
}

/** Resolves to undefined if another process has the file open for writing and has written nothing more yet. */
async function readIfReady(
  file: FileHandle,
  bytes: Uint8Array,
  at: number,
): Promise<number | undefined> {
  try {
    return (await file.read(bytes, at, bytes.length - at, null)).bytesRead;
  } catch (error) {
    if (errorCodeOf(error) === "EAGAIN") return undefined;
    throw error;
  }
}
