import type { WorkerStatus } from "#model/status.ts";
import { mebibytesText, spanText } from "#cli/spans.ts";
import { tableOf } from "#cli/table.ts";
import { onlyNamed, type ShowView } from "./show-kind.ts";

export const showWorkers: ShowView<readonly WorkerStatus[]> = {
  path: () => "/v1/workers",
  named: (workers, name) => onlyNamed(workers, ({ id }) => String(id) === name),
  text: (workers, nowMs) =>
    tableOf<WorkerStatus>(
      [
        { title: "WORKER", cell: ({ id }) => id, isNumber: true },
        { title: "PID", cell: ({ pid }) => pid, isNumber: true },
        { title: "STATE", cell: ({ state }) => state },
        { title: "SNAPSHOT", cell: ({ snapshot }) => snapshot, isNumber: true },
        { title: "OPEN", cell: ({ openConnections }) => openConnections, isNumber: true },
        { title: "MEMORY", cell: (worker) => mebibytesText(worker.residentBytes), isNumber: true },
        {
          title: "DELAY",
          cell: ({ loopDelayMs }) => `${loopDelayMs.toFixed(1)} ms`,
          isNumber: true,
        },
        {
          title: "RUNS FOR",
          cell: ({ startedAt }) => spanText(nowMs - Date.parse(startedAt)),
          isNumber: true,
        },
        { title: "RUNTIME", cell: ({ runtime }) => runtime },
      ],
      workers,
    ),
};
