import { isMap, isScalar, isSeq, stringify, type Document, type Node, type Pair } from "yaml";
import { isJsonMap, isSameJson, type Json, type JsonMap } from "#model/json.ts";
import { yamlText } from "./exported-text.ts";
import { spliceFlow } from "./splice-flow.ts";
import { commentsOf, type Comment } from "./yaml-comments.ts";
import { placedEntries } from "./yaml-entries.ts";

/** An entry of a block map or of a block list, with its place in the text. */
interface Entry {
  readonly key: string | undefined;
  readonly node: Node | null;
  /** What is between the line before and the entry: empty lines, comments and the indentation. */
  readonly lead: string;
  readonly start: number;
  /** The end of the last line of the entry. */
  readonly end: number;
}

/**
 * Returns the text with the parts replaced that differ from `wanted`. Each other part keeps its text. The result can be another
 * document than `wanted`, for example if the text has aliases, so the caller must parse and compare it.
 */
export function spliceYaml(text: string, document: Document.Parsed, wanted: JsonMap): string {
  return new Splice(text, document).run(wanted);
}

class Splice {
  readonly #text: string;
  readonly #document: Document.Parsed;
  readonly #comments: readonly Comment[];

  constructor(text: string, document: Document.Parsed) {
    this.#text = text;
    this.#document = document;
    this.#comments = commentsOf(text);
  }

  run(wanted: JsonMap): string {
    const { contents } = this.#document;
    if (contents !== null && isFlow(contents)) {
      const [from, to] = contents.range;
      const isEmpty = /^\{\s*\}$/.test(this.#text.slice(from, to));
      const value = isEmpty ? yamlText(wanted).trimEnd() : this.#spliceFlow(contents, wanted);
      return this.#text.slice(0, from) + value + this.#text.slice(to);
    }
    const start = this.#entriesOf(contents)[0]?.start ?? 0;
    const end = this.#lineEnd(this.#endOf(contents));
    return this.#text.slice(0, start) + this.#value(contents, wanted) + this.#text.slice(end);
  }

  /** Returns the text of a block collection, from its first entry to its last. */
  #value(node: Node | null, wanted: JsonMap | readonly Json[]): string {
    const entries = this.#entriesOf(node);
    const indent = this.#indentOf(entries[0]?.start ?? 0);
    const placed = placedEntries(entries, wanted);
    const used = new Set(placed.map(({ entry }) => entry));
    const kept = new Map(entries.map((entry, at) => [entry, this.#keptAbove(entries, at, used)]));
    const parts = placed.map(({ key, value, entry }, at) => {
      if (entry === undefined) {
        const lead = at === 0 ? "" : indent;
        return lead + indented(key === undefined ? [value] : { [key]: value }, indent);
      }
      const lead = (kept.get(entry) ?? "") + entry.lead;
      return (at === 0 ? lead.trimStart() : lead) + this.#entry(entry, value, indent);
    });
    const left = entries.findLastIndex((entry) => used.has(entry));
    const rest = left === -1 ? "" : this.#keptAbove(entries, entries.length, used).trimEnd();
    return [...parts, ...(rest === "" ? [] : [rest])].join("\n");
  }

  #entry({ key, node, start, end }: Entry, wanted: Json, indent: string): string {
    const text = this.#text.slice(start, end);
    if (isSameJson(node === null ? null : (node.toJS(this.#document) as Json), wanted)) return text;
    const first = this.#entriesOf(node)[0];
    const isNested = isMap(node) ? isJsonMap(wanted) : isSeq(node) && Array.isArray(wanted);
    if (first !== undefined && isNested && Object.keys(Object(wanted)).length > 0) {
      const value = wanted as JsonMap | readonly Json[];
      return this.#text.slice(start, first.start) + this.#value(node, value);
    }
    const isInline =
      isFlow(node) || (isScalar(node) && node.value !== null && !isBlockScalar(node));
    const [from, to] = node?.range ?? [end, end];
    if (isFlow(node) && isNested && this.#text.slice(from, to).includes("\n")) {
      return (
        this.#text.slice(start, from) + this.#spliceFlow(node, wanted) + this.#text.slice(to, end)
      );
    }
    if (isInline && (isFlow(node) || typeof wanted !== "object")) {
      const inner = this.#commentsIn(from, to, indent);
      const collectionStyle = isFlow(node) ? "flow" : "any";
      const value = stringify(wanted, { lineWidth: 0, collectionStyle });
      return inner + this.#text.slice(start, from) + value.trimEnd() + this.#text.slice(to, end);
    }
    const value = key === undefined ? [wanted] : { [key]: wanted };
    return this.#commentsIn(start, end, indent) + indented(value, indent);
  }

  #spliceFlow(node: Node | null, wanted: Json): string {
    const comments = new Map(this.#comments.map(({ start, text }) => [start, text]));
    return spliceFlow({ text: this.#text, document: this.#document, comments }, node, wanted);
  }

  /** Returns the comments in a part that is replaced, so that they stay above it. */
  #commentsIn(from: number, to: number, indent: string): string {
    return this.#comments
      .filter(({ start }) => start >= from && start < to)
      .map(({ text }) => `${text}\n${indent}`)
      .join("");
  }

  /**
   * Returns the comments above removed entries that are directly before the entry at `index`. The comment lines directly above a
   * removed entry are removed with it. The comment above the first entry is kept, because it may describe all entries.
   */
  #keptAbove(
    entries: readonly Entry[],
    index: number,
    used: ReadonlySet<Entry | undefined>,
  ): string {
    let kept = "";
    for (let at = index - 1; at > 0; at -= 1) {
      const entry = entries[at];
      if (entry === undefined || used.has(entry)) break;
      const lines = entry.lead.split("\n").slice(0, -1);
      const own = lines.findLastIndex((line) => !line.trimStart().startsWith("#"));
      kept =
        lines
          .slice(0, own + 1)
          .map((line) => `${line}\n`)
          .join("") + kept;
    }
    return kept.trim() === "" ? "" : kept;
  }

  #entriesOf(node: Node | null): readonly Entry[] {
    if ((!isMap(node) && !isSeq(node)) || node.flow === true) return [];
    const items = node.items as readonly (Pair<Node, Node | null> | Node | null)[];
    const entries: Entry[] = [];
    for (const item of items) {
      const before = entries.at(-1);
      const isPair = isMap(node);
      const { key, value } = isPair
        ? (item as Pair<Node, Node | null>)
        : { key: undefined, value: item as Node | null };
      const at = key?.range?.[0] ?? this.#dashBefore(value?.range?.[0] ?? 0);
      entries.push({
        key: key === undefined ? undefined : String(isScalar(key) ? key.value : key),
        node: value,
        lead: before === undefined ? "" : this.#text.slice(before.end + 1, at),
        start: at,
        end: this.#lineEnd(this.#endOf(value) ?? key?.range?.[1] ?? at),
      });
    }
    return entries;
  }

  #endOf(node: Node | null): number | undefined {
    const last = this.#entriesOf(node).at(-1);
    if (last !== undefined) return last.end;
    const end = node?.range?.[1];
    // A block scalar ends after its last line.
    return end !== undefined && isBlockScalar(node) ? end - 1 : end;
  }

  #lineEnd(offset = 0): number {
    const found = this.#text.indexOf("\n", offset);
    return found === -1 ? this.#text.length : found;
  }

  #dashBefore(offset: number): number {
    return this.#text.lastIndexOf("-", offset - 1);
  }

  /** Returns spaces up to the column of the offset. */
  #indentOf(offset: number): string {
    return " ".repeat(offset - (this.#text.lastIndexOf("\n", offset - 1) + 1));
  }
}

const isFlow = (node: Node | null): boolean => (isMap(node) || isSeq(node)) && node.flow === true;

const isBlockScalar = (node: Node | null): boolean =>
  isScalar(node) && (node.type === "BLOCK_LITERAL" || node.type === "BLOCK_FOLDED");

const indented = (value: Json, indent: string): string =>
  yamlText(value).trimEnd().replaceAll("\n", `\n${indent}`);
