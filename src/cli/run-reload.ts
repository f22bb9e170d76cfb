import type { ReloadRequest } from "./commands/reload.ts";
import { printChange } from "./print-change.ts";
import { sendChange, type ChangeContext } from "./send-change.ts";

/** Has the director read its file. Throws the failure of the director, with every problem of the document. */
export async function runReload(request: ReloadRequest, context: ChangeContext): Promise<void> {
  const query = request.isForced ? { force: "true" } : {};
  const question = { method: "POST", path: "/v1/reload", query, condition: {} } as const;
  printChange(context.terminal, await sendChange(context, request, question), request.isJson);
}
