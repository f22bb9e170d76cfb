import { errorCodeOf } from "#model/error-code.ts";

/** What a file system says when it is full, read-only or broken, or when the process lacks the means to use it. */
const ERRNOS: ReadonlySet<unknown> = new Set([
  ...["ENOSPC", "EDQUOT", "EROFS", "EIO", "ESTALE"],
  ...["EMFILE", "ENFILE", "ENOMEM", "EAGAIN"],
]);

/** Whether `error`, or what caused it, is the state of the storage, and no mistake in how the director was set up. */
export function isStorageTrouble(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (ERRNOS.has(errorCodeOf(error))) return true;
  return isStorageTrouble(error.cause);
}
