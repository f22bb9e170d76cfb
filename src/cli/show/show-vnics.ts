import { matchesPattern } from "#model/name-pattern.ts";
import type { ListenerStatus, VnicStatus } from "#model/records/status.ts";
import { bytesText } from "#cli/spans.ts";
import { remarksOf, tableOf, type Remark } from "#cli/table.ts";
import { onlyNamed, type ShowView } from "./show-kind.ts";

/** NAME is a vNIC or a profile. */
export const showVnics: ShowView<readonly VnicStatus[]> = {
  path: () => "/v1/vnics",
  named: (vnics, wanted) =>
    onlyNamed(
      vnics,
      ({ name, profile }) => matchesPattern(wanted, name) || matchesPattern(wanted, profile),
    ),
  text: (vnics, _nowMs, width) =>
    vnics.length === 0
      ? "The document has no vNIC.\n"
      : tableOf<VnicStatus>(
          [
            { title: "VNIC", cell: ({ name }) => name },
            { title: "STATE", cell: ({ admin, oper }) => `${admin}/${oper}` },
            { title: "VIRTUAL IP", cell: ({ ip }) => ip },
            {
              title: "LISTENERS",
              cell: ({ listeners }) =>
                listeners.map(({ port, mode }) => `${port} ${mode}`).join(", ") || "-",
            },
            { title: "SERVERS", cell: ({ servers }) => servers.join(", ") || "-" },
            {
              title: "OPEN",
              cell: ({ listeners }) =>
                listeners.reduce((sum, { openConnections }) => sum + openConnections, 0),
              isNumber: true,
            },
            {
              title: "ENDPOINTS UP",
              cell: ({ endpointsUp, endpoints }) => `${endpointsUp} of ${endpoints}`,
            },
            { title: "CONN/S", cell: ({ rates }) => rates.connections, isNumber: true },
            { title: "HANDSH/S", cell: ({ rates }) => rates.handshakes, isNumber: true },
            {
              title: "BYTES/S",
              cell: ({ rates }) => bytesText(rates.bytesFromClients + rates.bytesToClients),
              isNumber: true,
            },
          ],
          vnics,
          width,
        ) +
        remarksOf("vNICs that are down", vnics.map(vnicRemarkOf), width) +
        reasonsOf(
          vnics.flatMap(({ reason, listeners }) =>
            listeners.filter((listener) => reason === undefined || listener.reason !== reason),
          ),
          width,
        ),
};

/** NAME is a listener, or a vNIC for all of its listeners. */
export const showListeners: ShowView<readonly ListenerStatus[]> = {
  path: () => "/v1/listeners",
  named: (listeners, wanted) =>
    onlyNamed(
      listeners,
      ({ name }) => matchesPattern(wanted, name) || matchesPattern(`${wanted}:*`, name),
    ),
  text: (listeners, _nowMs, width) =>
    listeners.length === 0
      ? "The document has no listener.\n"
      : tableOf<ListenerStatus>(
          [
            { title: "LISTENER", cell: ({ name }) => name },
            { title: "MODE", cell: ({ mode }) => mode },
            { title: "TO", cell: ({ to }) => to },
            { title: "STATE", cell: ({ oper }) => oper },
            { title: "POLICY", cell: ({ policy }) => policy || "-" },
            { title: "NAMES", cell: ({ names }) => names, isNumber: true },
            { title: "OPEN", cell: ({ openConnections }) => openConnections, isNumber: true },
            { title: "CERTIFICATES", cell: ({ certificates }) => certificates.join(", ") || "-" },
          ],
          listeners,
          width,
        ) +
        remarksOf("Routes of server names", listeners.flatMap(routeRemarksOf), width) +
        reasonsOf(listeners, width),
};

const routeRemarksOf = ({ name, routes }: ListenerStatus): readonly Remark[] =>
  routes.map(({ profile, to, names, endpoints }) => [
    name,
    `${names} to ${to} of ${profile}: ${endpoints.join(", ") || "no endpoint"}`,
  ]);

const vnicRemarkOf = ({ name, reason, remedy }: VnicStatus): Remark => [
  name,
  withRemedy(reason, remedy),
];

const withRemedy = (reason: string | undefined, remedy: string | undefined): string | undefined =>
  remedy === undefined ? reason : `${reason ?? ""} Add it: ${remedy}`;

function reasonsOf(listeners: readonly ListenerStatus[], width: number | undefined): string {
  const reasons = listeners.map(({ name, reason, remedy }): Remark => [
    name,
    withRemedy(reason, remedy),
  ]);
  return remarksOf("Listeners that are not up", reasons, width);
}
