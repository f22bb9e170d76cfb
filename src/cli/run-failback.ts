import { escapeControls } from "#model/escape-controls.ts";
import { askAdmin } from "./admin-client.ts";
import type { FailbackRequest } from "./commands/failback.ts";
import { jsonText } from "./json-text.ts";
import type { Terminal } from "./terminal.ts";

const DEADLINE_MS = 5_000;

/** Gives a profile back to its servers. */
export async function runFailback(request: FailbackRequest, terminal: Terminal): Promise<void> {
  const { profile, isJson, socketPath } = request;
  const path = `/v1/profiles/${encodeURIComponent(profile)}/failback`;
  const reply = await askAdmin(socketPath, { method: "POST", path, deadlineMs: DEADLINE_MS });
  if (isJson) return terminal.out(jsonText(reply));
  terminal.out(escapeControls(`The servers of profile ${profile} serve again.`) + "\n");
}
