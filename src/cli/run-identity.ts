import type { AdoptRequest, MoveRequest } from "./commands/move.ts";
import { printChange } from "./print-change.ts";
import { sendChange, type ChangeContext } from "./send-change.ts";

export async function runMove(request: MoveRequest, context: ChangeContext): Promise<void> {
  const { profile, to, drain } = request;
  const path = `/v1/profiles/${encodeURIComponent(profile)}/move`;
  const question = { method: "POST", path, body: { to }, query: { drain }, condition: {} } as const;
  printChange(context.terminal, await sendChange(context, request, question), request.isJson);
}

export async function runAdopt(request: AdoptRequest, context: ChangeContext): Promise<void> {
  const { server, by, drain } = request;
  const path = `/v1/servers/${encodeURIComponent(server)}/adopt`;
  const question = { method: "POST", path, body: { by }, query: { drain }, condition: {} } as const;
  printChange(context.terminal, await sendChange(context, request, question), request.isJson);
}
