import type { RestoreRequest } from "./commands/backup.ts";
import { timeText } from "./spans.ts";
import type { Terminal } from "./terminal.ts";
import { jsonText } from "./json-text.ts";

export interface RestoredState {
  readonly dataPath: string;
  /** The newest revision. */
  readonly revision: number;
  /** Version of the program that made the backup. */
  readonly writtenBy: string;
  /** Time of the backup, ISO 8601. */
  readonly at: string;
}

/** Prints what `restore` did. It rejects if a director uses the folder, or if the backup cannot be used. */
export async function runRestore(
  request: RestoreRequest,
  terminal: Terminal,
  restore: (request: RestoreRequest) => Promise<RestoredState>,
): Promise<void> {
  const restored = await restore(request);
  if (request.isJson) return terminal.out(jsonText(restored));
  const { dataPath, revision, at, writtenBy } = restored;
  terminal.out(
    `${dataPath} has revision ${revision} and its history, as of ${timeText(Date.parse(at))} (version ${writtenBy}). ` +
      "The store has a new id, so files that were exported before need --force.\n",
  );
}
