import { DocumentSchema } from "./document.ts";
import { escapeControls } from "../escape-controls.ts";
import type { Json } from "../json.ts";
import type { PathChange } from "./path-change.ts";
import { pathOf } from "../problem.ts";
import { redactChanges } from "./secrets.ts";

const MAX_LINES = 100;
const MAX_VALUE_LENGTH = 120;
/** A name has at most 253 characters, so every valid path is shorter. */
const MAX_PATH_LENGTH = 512;

/**
 * Returns the changes for people, one a line: `+ servers.web-3 {"address":"192.0.2.3"}`, `- policies.old {}` and
 * `~ servers.web-1.address: "192.0.2.1" -> "192.0.2.9"`. The lines contain no control characters, no secret, and at most
 * `maxLines` changes. Long values are cut.
 */
export function changeLines(
  changes: readonly PathChange[],
  maxLines = MAX_LINES,
): readonly string[] {
  const shown = redactChanges(DocumentSchema, changes.slice(0, maxLines), () => "(secret)");
  const rest = changes.length - shown.length;
  return [...shown.map(lineOf), ...(rest === 0 ? [] : [`… and ${rest} more`])];
}

function lineOf({ path, before, after }: PathChange): string {
  const place = cut(pathOf(...path), MAX_PATH_LENGTH);
  if (before === undefined) return `+ ${place} ${shortOf(after)}`;
  if (after === undefined) return `- ${place} ${shortOf(before)}`;
  return `~ ${place}: ${shortOf(before)} -> ${shortOf(after)}`;
}

const shortOf = (value: Json | undefined): string =>
  cut(JSON.stringify(value) ?? "nothing", MAX_VALUE_LENGTH);

function cut(text: string, maxLength: number): string {
  // Escaping makes a text longer, so it is cut first. A cut through a pair of surrogates would leave half a character.
  const start = text.slice(0, maxLength).replace(/[\ud800-\udbff]$/, "");
  return `${escapeControls(start)}${start.length < text.length ? "…" : ""}`;
}
