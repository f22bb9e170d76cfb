import type { CutConnections } from "#model/records/open-connection.ts";
import { askAdmin, pathWith } from "./admin-client.ts";
import { orphansTextOf } from "./orphans-text.ts";
import type { CutRequest } from "./commands/cut.ts";
import type { Terminal } from "./terminal.ts";
import { jsonText } from "./json-text.ts";

/** Longer than the deadline of the admin API. */
const REPLY_DEADLINE_MS = 160_000;

/** Cuts the connections and prints how many there were. */
export async function runCut(request: CutRequest, terminal: Terminal): Promise<void> {
  const { filters, isJson, socketPath } = request;
  const path = pathWith("/v1/connections", filters);
  const question = { method: "DELETE", path, deadlineMs: REPLY_DEADLINE_MS } as const;
  const reply = (await askAdmin(socketPath, question)) as CutConnections;
  if (isJson) return terminal.out(jsonText(reply));
  const { cut, silentWorkers, orphans } = reply;
  terminal.out(`${cut} ${cut === 1 ? "connection was" : "connections were"} cut.\n`);
  if (orphans !== undefined) terminal.out(`${orphansTextOf(orphans, Date.now())}\n`);
  if (silentWorkers === 0) return;
  terminal.out(
    `${silentWorkers} workers did not confirm it in time. \`tlsd show connections\` shows what is still open.\n`,
  );
}
