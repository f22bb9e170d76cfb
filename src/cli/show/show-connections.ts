import { socketAddressOf } from "#model/names.ts";
import type { OpenConnection, OpenConnections } from "#model/records/open-connection.ts";
import { pathWith } from "#cli/admin-client.ts";
import { bytesText, spanText } from "#cli/spans.ts";
import { orphansTextOf } from "#cli/orphans-text.ts";
import { tableOf } from "#cli/table.ts";
import { queryOfName, type ShowView } from "./show-kind.ts";

/** NAME is a listener, or a vNIC for all of its listeners. */
export const showConnections: ShowView<OpenConnections> = {
  path: (limit, name, filters) =>
    pathWith("/v1/connections", { limit, ...queryOfName(name), ...filters }),
  // The admin API has filtered. A name without open connections is not a failure.
  named: (reply) => reply,
  text({ connections, shown, total, silentWorkers, orphans }, nowMs, width) {
    const silent =
      silentWorkers === 0
        ? ""
        : `${silentWorkers} workers did not answer in time. Their connections are missing.\n`;
    const missing = silent + (orphans === undefined ? "" : `${orphansTextOf(orphans, nowMs)}\n`);
    if (connections.length === 0) {
      const where = orphans === undefined ? "" : " in the workers of this director";
      return `There are no open connections${where}.\n${missing}`;
    }
    const table = tableOf<OpenConnection>(
      [
        { title: "LISTENER", cell: ({ listener }) => listener },
        { title: "CLIENT", cell: (connection) => clientText(connection) },
        { title: "SERVER NAME", cell: ({ serverName = "-" }) => serverName },
        { title: "SERVER", cell: (connection) => serverText(connection) },
        { title: "STATE", cell: ({ stage }) => stage },
        { title: "AGE", cell: ({ ageMs }) => spanText(ageMs), isNumber: true },
        { title: "IN", cell: ({ bytesFromClient }) => bytesText(bytesFromClient), isNumber: true },
        { title: "OUT", cell: ({ bytesToClient }) => bytesText(bytesToClient), isNumber: true },
        {
          title: "RATE",
          cell: ({ fromClientPerSecond, toClientPerSecond }) =>
            `${bytesText(fromClientPerSecond + toClientPerSecond)}/s`,
          isNumber: true,
        },
      ],
      connections,
      width,
    );
    const sample =
      shown < total ? `\n${shown} of ${total} connections are shown, as a sample.\n` : "";
    return `${table}${sample}${missing}`;
  },
};

function clientText({ clientAddress, clientPort, proxyAddress }: OpenConnection): string {
  const client = socketAddressOf(clientAddress, clientPort);
  return proxyAddress === undefined ? client : `${client} by ${proxyAddress}`;
}

const serverText = ({ server, endpoint }: OpenConnection): string =>
  server === undefined ? "-" : [server, endpoint].filter((part) => part !== undefined).join(" ");
