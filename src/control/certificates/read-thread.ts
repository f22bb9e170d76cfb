/** The thread that reads many files. A file system that does not answer holds only this thread. */
import { isMainThread, parentPort } from "node:worker_threads";
import { FileUnusableError, readBoundedFileNow } from "../read-bounded-file.ts";

export interface ReadRequest {
  readonly path: string;
  readonly maxBytes: number;
}

export type ReadReply =
  | { readonly bytes: Uint8Array; readonly signature: string }
  /** The message of a FileUnusableError. */
  | { readonly unusable: string };

function tryRead({ path, maxBytes }: ReadRequest): ReadReply {
  try {
    return readBoundedFileNow(path, maxBytes);
  } catch (error) {
    if (!(error instanceof FileUnusableError)) throw error;
    return { unusable: error.message };
  }
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  port.on("message", (requests: readonly ReadRequest[]) => {
    // A port has no origin.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    port.postMessage(requests.map(tryRead));
  });
}
