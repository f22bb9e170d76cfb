import type { VnicStatus } from "#model/status.ts";
import { tableOf } from "#cli/table.ts";
import { onlyNamed, type ShowView } from "./show-kind.ts";

/** NAME is a vNIC or a profile. */
export const showVnics: ShowView<readonly VnicStatus[]> = {
  path: () => "/v1/vnics",
  named: (vnics, wanted) =>
    onlyNamed(vnics, ({ name, profile }) => name === wanted || profile === wanted),
  text: (vnics) =>
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
          ],
          vnics,
        ),
};
