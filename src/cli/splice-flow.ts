import { isMap, isScalar, isSeq, stringify, type Document, type Node, type Pair } from "yaml";
import { isJsonMap, isSameJson, type Json, type JsonMap } from "#model/json.ts";
import { placedEntries } from "./yaml-entries.ts";

/** A text and what its parser found in it. */
export interface YamlSource {
  readonly text: string;
  readonly document: Document.Parsed;
  /** By their offsets. */
  readonly comments: ReadonlyMap<number, string>;
}

/** An entry of a flow collection. */
interface FlowEntry {
  readonly key: string | undefined;
  readonly node: Node | null;
  readonly start: number;
  readonly end: number;
}

/**
 * Returns the text of a value in flow style, such as `{ a: 1 }`, after it has become `wanted`. The other entries and the comments keep
 * their text, except for the comment behind an entry that is removed. New entries are at the end.
 */
export function spliceFlow(source: YamlSource, node: Node | null, wanted: Json): string {
  const { text, document } = source;
  const [from, to] = node?.range ?? [0, 0];
  if (node !== null && isSameJson(node.toJS(document) as Json, wanted)) {
    return text.slice(from, to);
  }
  const isNested = isMap(node) ? isJsonMap(wanted) : isSeq(node) && Array.isArray(wanted);
  return isNested
    ? collectionText(source, node, wanted as JsonMap | readonly Json[])
    : flowText(undefined, wanted);
}

function collectionText(
  source: YamlSource,
  node: Node | null,
  wanted: JsonMap | readonly Json[],
): string {
  const { text } = source;
  const [from, to] = node?.range ?? [0, 0];
  const entries = entriesOf(node);
  const placed = placedEntries(entries, wanted);
  const values = new Map(placed.map(({ entry, value }) => [entry, value]));
  const last = entries.findLast((entry) => values.has(entry));
  const added = placed
    .filter(({ entry }) => entry === undefined)
    .map(({ key, value }) => flowText(key, value));
  let result = text.slice(from, from + 1);
  // What follows the last entry of the result. A comma that comes later is put before it.
  let rest = "";
  let hasEntry = false;
  const append = (gap: string, entry: string): void => {
    result += (hasEntry ? "," : "") + joined(rest, gap) + entry;
    rest = "";
    hasEntry = true;
  };
  if (last === undefined) for (const entry of added) append(" ", entry);
  let at = from + 1;
  for (const entry of entries) {
    const value = values.get(entry);
    const gap = withoutComma(source, at, entry.start);
    at = entry.end;
    if (value === undefined) {
      rest = joined(rest, gap.trim() === "" ? "" : gap);
      at = afterLineComment(source, at);
      continue;
    }
    const head = text.slice(entry.start, entry.node?.range?.[0] ?? entry.end);
    append(gap, head + spliceFlow(source, entry.node, value));
    if (entry !== last || added.length === 0) continue;
    at = afterLineComment(source, entry.end);
    rest = withoutComma(source, entry.end, at);
    const line = lineBefore(text, entry.start);
    const [indent = ""] = /^[ \t]*/.exec(line) ?? [];
    const isFirstOfLine = indent === line;
    const isOwnLine = isFirstOfLine || at > entry.end;
    const lead = isOwnLine ? `\n${indent}${isFirstOfLine ? "" : "  "}` : " ";
    for (const one of added) append(lead, one);
  }
  const end = withoutComma(source, at, to - 1);
  const comma = hasEntry && end.length < to - 1 - at ? "," : "";
  return result + comma + joined(rest, end) + text.slice(to - 1, to);
}

/** Joins the parts before and after an entry that is removed. A line that becomes empty is left out. */
function joined(before: string, after: string): string {
  if (!/\n[ \t]*$/.test(before)) return before + after;
  const isEmptyLine = /^[ \t]*\n/.test(after);
  return isEmptyLine ? before.replace(/\n[ \t]*$/, "") + after : before + after.trimStart();
}

/** Returns one value, or one key with its value, as it is written within a flow collection. */
function flowText(key: string | undefined, value: Json): string {
  const options = { lineWidth: 0, collectionStyle: "flow" } as const;
  const whole = stringify(key === undefined ? [value] : { [key]: value }, options).trim();
  return whole.slice(1, -1).trim();
}

function entriesOf(node: Node | null): readonly FlowEntry[] {
  if (!isMap(node) && !isSeq(node)) return [];
  const items = node.items as readonly (Pair<Node, Node | null> | Node | null)[];
  return items.map((item) => {
    const isPair = isMap(node);
    const { key, value } = isPair
      ? (item as Pair<Node, Node | null>)
      : { key: undefined, value: item as Node | null };
    const start = (key ?? value)?.range?.[0] ?? 0;
    return {
      key: key === undefined ? undefined : String(isScalar(key) ? key.value : key),
      node: value,
      start,
      end: value?.range?.[1] ?? key?.range?.[1] ?? start,
    };
  });
}

/** Returns a part between two entries without its comma. A comma in a comment stays. */
function withoutComma({ text, comments }: YamlSource, from: number, to: number): string {
  for (let at = from; at < to; at += 1) {
    const comment = comments.get(at);
    if (comment !== undefined) at += comment.length - 1;
    else if (text[at] === ",") return text.slice(from, at) + text.slice(at + 1, to);
  }
  return text.slice(from, to);
}

/** Returns the end of the comment that is on the line behind an entry, or `end` if there is none. */
function afterLineComment({ text, comments }: YamlSource, end: number): number {
  const behind = /[ \t,]*/y;
  behind.lastIndex = end;
  const start = end + (behind.exec(text)?.[0].length ?? 0);
  const comment = comments.get(start);
  return comment === undefined ? end : start + comment.length;
}

/** Returns what is before the offset in its line. */
const lineBefore = (text: string, offset: number): string =>
  text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset);
