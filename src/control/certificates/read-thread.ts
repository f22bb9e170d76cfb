/** The thread that reads many files. A file system that does not answer holds only this thread. */
import { isMainThread, parentPort } from "node:worker_threads";
import { FileUnusableError, readBoundedFileNow } from "../read-bounded-file.ts";

export interface ReadRequest {
  readonly path: string;
  readonly maxBytes: number;
}

/** What some of the files of a request are, in their order. The replies to a request together have all of them. */
export interface ReadReply {
  /** The contents of the files, one after the other. A message with an array for each file would take much longer. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly files: readonly (
    | { readonly length: number; readonly signature: string }
    /** The message of a FileUnusableError. */
    | { readonly unusable: string }
  )[];
}

/** A reply is sent when it has this many bytes, so that a message is never much larger than the largest file. */
const FULL_BYTES = 1024 * 1024;

function* repliesTo(requests: readonly ReadRequest[]): Iterable<ReadReply> {
  let contents: Uint8Array[] = [];
  let files: ReadReply["files"][number][] = [];
  let total = 0;
  for (const { path, maxBytes } of requests) {
    const read = tryRead(path, maxBytes);
    if (typeof read === "string") {
      files.push({ unusable: read });
      continue;
    }
    const { bytes, signature } = read;
    contents.push(bytes);
    files.push({ length: bytes.length, signature });
    total += bytes.length;
    if (total < FULL_BYTES) continue;
    yield { bytes: joined(contents, total), files };
    [contents, files, total] = [[], [], 0];
  }
  if (files.length > 0) yield { bytes: joined(contents, total), files };
}

/** Returns the message of the error if the file cannot be used. */
function tryRead(path: string, maxBytes: number): ReturnType<typeof readBoundedFileNow> | string {
  try {
    return readBoundedFileNow(path, maxBytes);
  } catch (error) {
    if (error instanceof FileUnusableError) return error.message;
    throw error;
  }
}

/** Returns an array with a buffer of its own, which a message can take over without a copy. */
function joined(contents: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(length);
  let start = 0;
  for (const bytes of contents) {
    all.set(bytes, start);
    start += bytes.length;
  }
  return all;
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  port.on("message", (requests: readonly ReadRequest[]) => {
    for (const reply of repliesTo(requests)) port.postMessage(reply, [reply.bytes.buffer]);
  });
}
