import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

/** What workers have as their current folder: empty, and not theirs to write to, so a runtime finds no settings there. */
export function makeWorkerFolder(parent: string, cleanup: AsyncDisposableStack): string {
  const folder = mkdtempSync(join(parent, "tlsd-worker-"));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  return folder;
}
