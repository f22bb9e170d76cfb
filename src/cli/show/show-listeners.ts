import type { ListenerStatus } from "#model/status.ts";
import { tableOf } from "#cli/table.ts";
import { onlyNamed, type ShowView } from "./show-kind.ts";

/** NAME is a listener, or a vNIC for all of its listeners. */
export const showListeners: ShowView<readonly ListenerStatus[]> = {
  path: () => "/v1/listeners",
  named: (listeners, wanted) =>
    onlyNamed(listeners, ({ name }) => name === wanted || name.startsWith(`${wanted}:`)),
  text: (listeners) =>
    listeners.length === 0
      ? "The document has no listener.\n"
      : tableOf<ListenerStatus>(
          [
            { title: "LISTENER", cell: ({ name }) => name },
            { title: "MODE", cell: ({ mode }) => mode },
            { title: "TO", cell: ({ to }) => to },
            { title: "POLICY", cell: ({ policy }) => policy },
            { title: "OPEN", cell: ({ openConnections }) => openConnections, isNumber: true },
            { title: "CERTIFICATES", cell: ({ certificates }) => certificates.join(", ") || "-" },
          ],
          listeners,
        ),
};
