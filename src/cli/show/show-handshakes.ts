import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import { socketAddressOf } from "#model/names.ts";
import { HANDSHAKE_FAILURES } from "#model/records/outcome.ts";
import { pathWith } from "#cli/admin-client.ts";
import { timeText } from "#cli/spans.ts";
import { remarksOf, tableOf } from "#cli/table.ts";
import { queryOfName, type ShowView } from "./show-kind.ts";

/** NAME is a listener, or a vNIC for all of its listeners. */
export const showHandshakes: ShowView<readonly HandshakeRecord[]> = {
  path: (limit, name, filters) =>
    pathWith("/v1/handshakes", { limit, ...queryOfName(name), ...filters }),
  // The admin API has filtered. A name without failed handshakes is not a failure.
  named: (records) => records,
  text(records, _nowMs, width) {
    if (records.length === 0) return "There are no failed handshakes.\n";
    const table = tableOf<HandshakeRecord>(
      [
        { title: "TIME", cell: ({ atMs }) => timeText(atMs) },
        { title: "LISTENER", cell: ({ listener }) => listener },
        { title: "CLIENT", cell: (record) => clientText(record) },
        { title: "SERVER NAME", cell: ({ serverName = "-" }) => serverName },
        { title: "CAUSE", cell: (record) => causeText(record) },
        { title: "DETAIL", cell: (record) => detailText(record) },
      ],
      records,
      width,
    );
    const hints = [...new Set(records.map(({ failure }) => failure))].map(
      (failure) => [failure, HANDSHAKE_FAILURES[failure]] as const,
    );
    return table + remarksOf(undefined, hints, width);
  },
};

function clientText({ clientAddress, clientPort, proxyAddress }: HandshakeRecord): string {
  // A client that was gone before it was accepted has no known address.
  const client = clientAddress === "" ? "-" : socketAddressOf(clientAddress, clientPort);
  return proxyAddress === undefined ? client : `${client} by ${proxyAddress}`;
}

function causeText({ failure, limit, alert }: HandshakeRecord): string {
  const which = limit ?? alert;
  return which === undefined ? failure : `${failure} (${which})`;
}

function detailText({ detail, offeredVersions, alpn, durationMs }: HandshakeRecord): string {
  const parts = [
    ...(detail === undefined ? [] : [detail]),
    ...(offeredVersions === undefined ? [] : [`offers ${offeredVersions.join(" ")}`]),
    ...(alpn === undefined || alpn.length === 0 ? [] : [`ALPN ${alpn.join(" ")}`]),
    `${Math.round(durationMs)} ms`,
  ];
  return parts.join("; ");
}
