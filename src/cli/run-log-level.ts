import { escapeControls } from "#model/escape-controls.ts";
import { askAdmin } from "./admin-client.ts";
import type { LogLevelRequest } from "./commands/edit-resources.ts";
import { timeText } from "./spans.ts";
import type { Terminal } from "./terminal.ts";
import { jsonText } from "./json-text.ts";

const DEADLINE_MS = 5_000;

interface LogLevelReply {
  readonly level: string;
  /** The level of the start. */
  readonly usual: string;
  /** ISO 8601. Undefined if the level of the start is in force. */
  readonly until?: string;
}

/** Sets the level of the log for a time. */
export async function runLogLevel(request: LogLevelRequest, terminal: Terminal): Promise<void> {
  const { level, forMs, socketPath, isJson } = request;
  const reply = (await askAdmin(socketPath, {
    method: "PUT",
    path: "/v1/log-level",
    deadlineMs: DEADLINE_MS,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ level, for: `${forMs}ms` }),
  })) as LogLevelReply;
  if (isJson) return terminal.out(jsonText(reply));
  const { until, usual } = reply;
  const end = until === undefined ? "" : ` until ${timeText(Date.parse(until))}, then ${usual}`;
  terminal.out(`${escapeControls(`The log level is ${reply.level}${end}.`)}\n`);
}
