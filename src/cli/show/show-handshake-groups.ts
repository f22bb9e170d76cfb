import type { HandshakeGroup, HandshakeGroups } from "#model/records/handshake-groups.ts";
import { HANDSHAKE_GROUPINGS, type HandshakeGrouping } from "#model/records/outcome.ts";
import { pathWith } from "#cli/admin-client.ts";
import { timeText } from "#cli/spans.ts";
import { remarksOf, tableOf, type Column } from "#cli/table.ts";
import { queryOfName, type ShowView } from "./show-kind.ts";

const TITLES: Readonly<Record<HandshakeGrouping, string>> = {
  cause: "CAUSE",
  listener: "LISTENER",
  serverName: "SERVER NAME",
  client: "CLIENT",
};

const columnsOf = (groups: readonly HandshakeGroup[]): readonly Column<HandshakeGroup>[] => [
  { title: "COUNT", cell: ({ count }) => count, isNumber: true },
  { title: "KEPT", cell: ({ kept }) => kept, isNumber: true },
  ...HANDSHAKE_GROUPINGS.filter((by) => groups[0]?.[by] !== undefined).map((by) => ({
    title: TITLES[by],
    cell: (group: HandshakeGroup) => group[by] || "-",
  })),
  { title: "FIRST", cell: ({ firstAtMs }) => timeText(firstAtMs) },
  { title: "LAST", cell: ({ lastAtMs }) => timeText(lastAtMs) },
];

/** NAME is a listener, or a vNIC for all of its listeners. */
export const showHandshakeGroups: ShowView<HandshakeGroups> = {
  path: (limit, name, filters) =>
    pathWith("/v1/handshakes", { limit, ...queryOfName(name), ...filters }),
  named: (reply) => reply,
  text({ groups, total }, _nowMs, width) {
    if (groups.length === 0) return "There are no failed handshakes.\n";
    const more = total > groups.length ? `\n${groups.length} of ${total} groups are shown.\n` : "";
    const hints = new Map(
      groups.flatMap(({ cause, hint }) => (cause ? [[cause, hint] as const] : [])),
    );
    return (
      tableOf(columnsOf(groups), groups, width) + more + remarksOf(undefined, [...hints], width)
    );
  },
};
