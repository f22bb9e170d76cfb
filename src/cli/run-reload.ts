import type { ReloadResult } from "#model/records/status.ts";
import { askAdmin } from "./admin-client.ts";
import type { ReloadRequest } from "./commands/reload.ts";
import type { Terminal } from "./terminal.ts";

/** Prints the revision that is in force. Throws the failure of the director, with every problem of the document. */
export async function runReload(request: ReloadRequest, terminal: Terminal): Promise<void> {
  const { socketPath, timeoutMs, isJson } = request;
  const question = { method: "POST", path: "/v1/reload", deadlineMs: timeoutMs } as const;
  const result = (await askAdmin(socketPath, question)) as ReloadResult;
  const { revision, changed } = result;
  const sentence = changed
    ? `Revision ${revision} of the document is in force.`
    : `The document has not changed; revision ${revision} is in force.`;
  terminal.out(`${isJson ? JSON.stringify(result, undefined, 2) : sentence}\n`);
}
