import { escapeControls } from "#model/escape-controls.ts";
import type { RevisionReply } from "#model/records/change-reply.ts";
import type { RevisionRecord } from "#model/records/revision.ts";
import { pathWith } from "#cli/admin-client.ts";
import { differenceText } from "#cli/print-change.ts";
import { timeText } from "#cli/spans.ts";
import { hung, tableOf } from "#cli/table.ts";
import type { ShowView } from "./show-kind.ts";

export const showHistory: ShowView<readonly RevisionRecord[]> = {
  path: (limit) => pathWith("/v1/history", { limit }),
  text: (records, _nowMs, width) =>
    records.length === 0
      ? "Nothing has been saved yet.\n"
      : tableOf<RevisionRecord>(
          [
            { title: "REVISION", cell: ({ revision }) => revision, isNumber: true },
            { title: "TIME", cell: ({ at }) => timeText(Date.parse(at)) },
            { title: "BY", cell: (record) => authorText(record) },
            { title: "WHAT", cell: (record) => causeText(record) },
            { title: "REASON", cell: ({ reason = "-" }) => reason },
          ],
          records,
          width,
        ),
};

/** NAME is the number of a revision. */
export const showRevision: ShowView<RevisionReply> = {
  path: (_, name = "") => `/v1/history/${encodeURIComponent(name)}`,
  named: (reply) => reply,
  text(reply, _nowMs, width) {
    const { revision, parent, at, reason, difference } = reply;
    const rows = [
      ["revision", `${revision}, after ${parent === 0 ? "none" : parent}`],
      ["time", timeText(Date.parse(at))],
      ["by", authorText(reply)],
      ["what", causeText(reply)],
      ...(reason === undefined ? [] : [["reason", reason]]),
    ];
    const lines = rows.flatMap(([name = "", value = ""]) =>
      hung(name.padEnd(10), escapeControls(value), width ?? Infinity),
    );
    const changes =
      difference === undefined
        ? "The revision before is not kept any more.\n"
        : differenceText(difference, false);
    return lines.map((line) => `${line}\n`).join("") + changes;
  },
};

/** A client of the admin socket states its user, which is not verified. */
function authorText({ by: { origin, uid, user, sudoUser } }: RevisionRecord): string {
  const own = user ?? (uid === undefined ? undefined : `uid ${uid}`);
  if (own === undefined) return origin;
  return sudoUser === undefined ? own : `${sudoUser} as ${own}`;
}

function causeText({ cause, undoes }: RevisionRecord): string {
  if (cause === "undo") return `undo of ${undoes}`;
  return cause === "restore" ? `restore of ${undoes}` : cause;
}
