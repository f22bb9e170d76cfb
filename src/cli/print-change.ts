import { escapeControls } from "#model/escape-controls.ts";
import type { ChangeReply, DifferenceShape } from "#model/records/change-reply.ts";
import type { VersionChange } from "#model/records/certificate-version.ts";
import { cutTextOf } from "./cut-text.ts";
import type { Terminal } from "./terminal.ts";
import { jsonText } from "./json-text.ts";

/** Further lines are only counted, so that the revision stays visible. `--json` has all. */
const MAX_LINES = 50;
const MAX_WARNINGS = 5;

const COLOURS: Readonly<Record<string, string>> = { added: "32", removed: "31", changed: "33" };

/** Prints what a change did or would do, the revision in force, and how to take the change back. */
export function printChange(terminal: Terminal, reply: ChangeReply, isJson: boolean): void {
  if (isJson) return terminal.out(jsonText(reply));
  const { revision, changed, dryRun, difference, versions } = reply;
  if (!changed) {
    const sentence = `Nothing to change: revision ${revision} is in force and has all of this.`;
    return terminal.out(`${sentence}\n${cutLine(reply)}${warningLines(reply)}`);
  }
  const first = dryRun
    ? `A dry run on revision ${revision}: this would change.`
    : `Revision ${revision} is in force.`;
  const undo = `Undo it with \`tlsd undo ${revision}\`.`;
  const back = versions.find(({ before }) => before !== undefined);
  const own =
    back !== undefined && difference.changes.length === 0
      ? `Take it back with \`tlsd rollback certificate ${escapeControls(back.name)}\`.`
      : difference.changes.length === 0
        ? ""
        : undo;
  const last = dryRun
    ? `Nothing was changed, and workers were not asked. Make exactly this change with --if-revision ${revision}.`
    : own;
  const isFirst = !dryRun && revision === 1 && difference.changes.length > 0;
  terminal.out(
    [
      `${first}\n`,
      differenceText(difference, terminal.hasColours?.out === true, MAX_LINES),
      versionLines(reply),
      listenerLines(reply),
      proofLines(reply),
      sessionLine(reply),
      cutLine(reply),
      warningLines(reply),
      isFirst || last === "" ? "" : `${last}\n`,
    ].join(""),
  );
}

/** Returns the differences, one a line, without control characters. */
export function differenceText(
  { changes, omitted }: DifferenceShape,
  isColoured: boolean,
  maxLines = Infinity,
): string {
  const shown = changes.slice(0, maxLines);
  const rest = changes.length - shown.length + omitted;
  const lines = shown.map(({ kind, text }) => {
    // The director has escaped it, and is trusted no more than its clients.
    const line = escapeControls(text);
    return isColoured ? `  \u001b[${COLOURS[kind]}m${line}\u001b[0m\n` : `  ${line}\n`;
  });
  return `${lines.join("")}${rest === 0 ? "" : `  … and ${rest} more\n`}`;
}

/** A line for each version of a certificate, and one for each thing that was done with its files. */
function versionLines({ versions }: ChangeReply): string {
  return versions
    .slice(0, MAX_LINES)
    .flatMap(({ name, version, state, serialNumber, before, notes }) => [
      `  certificate ${name}: version ${version} ${STATE_TEXTS[state]}` +
        (serialNumber === undefined ? "" : `, serial ${serialNumber}`) +
        (before === undefined ? "" : `, in place of version ${before}`),
      ...notes.map((note) => `    ${note}`),
    ])
    .map((line) => `${escapeControls(line)}\n`)
    .join("");
}

const STATE_TEXTS = {
  pending: "waits for a CA",
  staged: "is staged",
  active: "is active",
  previous: "is not active",
  removed: "is removed",
} as const satisfies Readonly<Record<VersionChange["state"], string>>;

function listenerLines({ listeners, listenersOmitted, dryRun }: ChangeReply): string {
  if (listeners.length === 0) return dryRun ? "No listener would be affected.\n" : "";
  const shown = listeners.slice(0, MAX_LINES);
  const rest = listeners.length - shown.length + listenersOmitted;
  const lines = shown.map(({ listener, effect, openConnections }) => {
    return `  ${escapeControls(listener)} ${effect}${openText(openConnections)}\n`;
  });
  return `Listeners:\n${lines.join("")}${rest === 0 ? "" : `  … and ${rest} more\n`}`;
}

/** Returns what workers have shown after the change. */
function proofLines({ proof }: Pick<ChangeReply, "proof">): string {
  if (proof === undefined) return "";
  const { shown, hidden, unproven, replaced, untried } = proof;
  const workersOf = new Map<string, number[]>();
  for (const { worker, certificate, serial } of shown) {
    const key = `${certificate} with serial ${serial}`;
    workersOf.set(key, [...(workersOf.get(key) ?? []), worker]);
  }
  const lines = [
    ...Array.from(workersOf, ([what, workers]) => `  ${what} by worker ${workers.join(", ")}`),
    ...hidden.map(
      ({ worker, certificate, by }) =>
        `  ${certificate} not by worker ${worker}: ${by} comes first`,
    ),
    ...unproven.map(
      ({ worker, certificate, reason }) => `  ${certificate} NOT by worker ${worker}: ${reason}`,
    ),
    ...replaced.map((worker) => `  worker ${worker} did not show it, and was replaced`),
  ];
  if (lines.length === 0) lines.push("  nothing, because no worker was up");
  const named = lines.slice(0, MAX_LINES).map((line) => `${escapeControls(line)}\n`);
  const rest = lines.length - named.length;
  return [
    "Shown to new clients:\n",
    ...named,
    rest === 0 ? "" : `  … and ${rest} more\n`,
    untried === 0 ? "" : `  ${untried} changed certificates were not tried\n`,
  ].join("");
}

function sessionLine({ endedSessions }: ChangeReply): string {
  if (endedSessions === undefined) return "";
  return `Earlier sessions end, so up to ${endedSessions.atMost} clients make a full handshake.\n`;
}

function cutLine({ cut, dryRun }: ChangeReply): string {
  if (cut === undefined) return "";
  const { text, inText } = cutTextOf(cut, Date.now());
  return `Open ${escapeControls(text)} ${dryRun ? "would be" : "are"} cut ${inText}.\n`;
}

const openText = (count: number): string => {
  if (count === 0) return "";
  return count === 1 ? "; 1 open connection goes on" : `; ${count} open connections go on`;
};

function warningLines({ warnings }: ChangeReply): string {
  const shown = warnings.slice(0, MAX_WARNINGS);
  const rest = warnings.length - shown.length;
  const lines = shown.map(
    ({ path, message }) => `warning: ${escapeControls(`${path}: ${message}`)}\n`,
  );
  const more = rest === 0 ? "" : `… and ${rest} more warnings; \`tlsd show status\` has them.\n`;
  return `${lines.join("")}${more}`;
}
