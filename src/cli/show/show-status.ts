import { escapeControls } from "#model/escape-controls.ts";
import { matchesPattern } from "#model/name-pattern.ts";
import type { DirectorStatus, FileState, WorkerStatus } from "#model/records/status.ts";
import { cutTextOf } from "#cli/cut-text.ts";
import { orphansTextOf } from "#cli/orphans-text.ts";
import { bytesText, spanText, timeText } from "#cli/spans.ts";
import { hung, tableOf } from "#cli/table.ts";
import { onlyNamed, type ShowView } from "./show-kind.ts";

/** Further warnings are only counted, so that the other lines stay visible. */
const MAX_WARNINGS = 10;
/** The next ones. `--json` has all. */
const MAX_CUTS = 5;

export const showStatus: ShowView<DirectorStatus> = {
  path: () => "/v1/status",
  text(status, nowMs, width) {
    const { workers, certificates, warnings } = status;
    const troubled = certificates.filter(({ state }) => state !== "ok");
    const counts = [
      ["ok", certificates.length - troubled.length],
      ["refused", troubled.filter(({ state }) => state === "refused").length],
      ...["expired", "not-yet-valid", "unusable"].flatMap((wanted) => {
        const { length } = troubled.filter(({ state }) => state === wanted);
        return length === 0 ? [] : [[wanted, length]];
      }),
    ];
    const since = (time: string): string => {
      const atMs = Date.parse(time);
      return `${timeText(atMs)} (${spanText(nowMs - atMs)} ago)`;
    };
    const rows: readonly (readonly [string, string])[] = [
      ["director", `${status.version}, ${status.state}, pid ${status.pid}`],
      ["started", since(status.startedAt)],
      ["document", `revision ${status.revision}, changed ${since(status.changedAt)}`],
      ["file", fileText(status.file)],
      ["workers", `${workers.serving} of ${workers.wanted} serve, engine ${status.engine}`],
      ["connections", `${status.openConnections} open`],
      ...(status.orphans === undefined
        ? []
        : [["connections", orphansTextOf(status.orphans, nowMs)] as const]),
      ...status.cuts.slice(0, MAX_CUTS).map((cut) => {
        const { text, inText } = cutTextOf(cut, nowMs);
        return ["cut", `${text}, ${inText}`] as const;
      }),
      ["certificates", counts.map(([state, count]) => `${count} ${state}`).join(", ")],
      ...troubled.map(
        ({ name, state, problem }) => [state, `${name}: ${problem ?? "no reason given"}`] as const,
      ),
      ...(status.lastRefusal === undefined
        ? []
        : [["last change", `refused: ${status.lastRefusal}`] as const]),
      ...warnings
        .slice(0, MAX_WARNINGS)
        .map(({ path, message }) => ["warning", `${path}: ${message}`] as const),
      ...(warnings.length <= MAX_WARNINGS
        ? []
        : [
            [
              "warnings",
              `${warnings.length - MAX_WARNINGS} more; \`tlsd check\` shows all`,
            ] as const,
          ]),
      ...status.profilesOnStandby.map(
        ({ name, reason }) => ["standby", `${name}: ${reason ?? "no reason given"}`] as const,
      ),
      ...status.notices.map((notice) => ["notice", notice] as const),
    ];
    return rows
      .flatMap(([name, value]) => hung(name.padEnd(14), escapeControls(value), width ?? Infinity))
      .map((line) => `${line}\n`)
      .join("");
  },
};

const FILE_TEXTS: Readonly<Record<FileState, string>> = {
  none: "none; the document is that of the store",
  "in-force": "in force",
  "store-ahead": "without the changes made since it was applied; see `tlsd export --into FILE`",
  "file-ahead": "changed, and not applied yet",
  diverged: "diverged from the store; see `tlsd reload --force` and `tlsd export --into FILE`",
};

const fileText = ({ path, state }: DirectorStatus["file"]): string =>
  path === undefined ? FILE_TEXTS[state] : `${path}: ${FILE_TEXTS[state]}`;

export const showWorkers: ShowView<readonly WorkerStatus[]> = {
  path: () => "/v1/workers",
  named: (workers, name) => onlyNamed(workers, ({ id }) => matchesPattern(name, String(id))),
  text: (workers, nowMs, width) =>
    tableOf<WorkerStatus>(
      [
        { title: "WORKER", cell: ({ id }) => id, isNumber: true },
        { title: "PID", cell: ({ pid }) => pid, isNumber: true },
        { title: "STATE", cell: ({ state }) => state },
        { title: "SNAPSHOT", cell: ({ snapshot }) => snapshot, isNumber: true },
        { title: "OPEN", cell: ({ openConnections }) => openConnections, isNumber: true },
        { title: "MEMORY", cell: (worker) => bytesText(worker.residentBytes), isNumber: true },
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
      width,
    ),
};
