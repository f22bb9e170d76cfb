import type { ServerStatus } from "#model/records/status.ts";
import { inTextOf } from "#cli/cut-text.ts";
import { orphansTextOf } from "#cli/orphans-text.ts";
import { spanText, timeText } from "#cli/spans.ts";
import { remarksOf, tableOf } from "#cli/table.ts";
import { onlyLike, type ShowView } from "./show-kind.ts";

/** NAME is a server, or a pattern in which `*` stands for any characters. Servers that are down come first. */
export const showServers: ShowView<readonly ServerStatus[]> = {
  path: () => "/v1/servers",
  named: (servers, wanted) => onlyLike(servers, wanted, ({ name }) => name),
  text: (servers, nowMs, width) =>
    servers.length === 0
      ? "The document has no server.\n"
      : tableOf<ServerStatus>(
          [
            { title: "SERVER", cell: ({ name }) => name },
            { title: "STATE", cell: (server) => stateText(server, nowMs) },
            {
              title: "SINCE",
              cell: ({ since }) => spanText(nowMs - Date.parse(since)),
              isNumber: true,
            },
            { title: "ADDRESS", cell: ({ address }) => address },
            { title: "OPEN", cell: ({ openConnections }) => openConnections, isNumber: true },
            { title: "CONNECTS", cell: ({ connects }) => connects, isNumber: true },
            { title: "FAILED", cell: ({ connectFailures }) => connectFailures, isNumber: true },
            { title: "PROFILES", cell: ({ profiles }) => profiles.join(", ") || "-" },
            { title: "TAKEN OVER BY", cell: ({ takenOverBy }) => takenOverBy.join(", ") || "-" },
            { title: "LAST ERROR", cell: (server) => lastErrorText(server) },
          ],
          servers.toSorted((one, other) => rankOf(one) - rankOf(other)),
          width,
        ) +
        remarksOf(
          "Servers that are not up",
          servers.map(({ name, reason }) => [name, reason]),
          width,
        ) +
        orphansLineOf(servers, nowMs),
};

/** All servers have the same orphans, because it is unknown to which servers the connections of orphans are. */
function orphansLineOf(servers: readonly ServerStatus[], nowMs: number): string {
  const orphans = servers.find((server) => server.orphans !== undefined)?.orphans;
  return orphans === undefined ? "" : `\n${orphansTextOf(orphans, nowMs)}\n`;
}

/** A server that gets no new connections is empty when the last one has ended. */
function stateText(server: ServerStatus, nowMs: number): string {
  const { admin, oper, openConnections, orphans, cutAt } = server;
  const state = `${admin}/${oper}`;
  if (admin !== "up" && openConnections === 0 && orphans === undefined) return `${state} empty`;
  return cutAt === undefined ? state : `${state}, cut ${inTextOf(cutAt, nowMs)}`;
}

/** What an operator must act on comes first. */
const ORDER: readonly ServerStatus["oper"][] = ["down", "failing", "degraded", "unknown", "up"];
const rankOf = ({ oper }: ServerStatus): number => ORDER.indexOf(oper);

function lastErrorText({ lastError }: ServerStatus): string {
  if (lastError === undefined) return "-";
  const { cause, vnic, at } = lastError;
  return `${timeText(Date.parse(at))} ${cause} (${vnic})`;
}
