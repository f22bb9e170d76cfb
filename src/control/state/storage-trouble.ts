import { errorCodeOf } from "#model/error-code.ts";

/** Errors of a file system that is full, read-only or broken, and of a process that has no descriptors or memory left. */
const ERRNOS: ReadonlySet<unknown> = new Set([
  ...["ENOSPC", "EDQUOT", "EROFS", "EIO", "ESTALE"],
  ...["EMFILE", "ENFILE", "ENOMEM", "EAGAIN"],
]);

/** Returns true if the storage causes `error`, and not a mistake in the setup of the director. */
export function isStorageTrouble(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (ERRNOS.has(errorCodeOf(error))) return true;
  return isStorageTrouble(error.cause);
}
