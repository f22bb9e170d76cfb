import { parseSync } from "oxc-parser";
import type { Sources } from "./layer-rules.ts";

/** A regular expression that stands in a source. */
export interface FoundPattern {
  /** `src/model/units.ts:12` */
  readonly place: string;
  readonly source: string;
  readonly flags: string;
}

export interface FoundPatterns {
  readonly patterns: readonly FoundPattern[];
  /** Places where one is made of what only the running program knows. */
  readonly unknown: readonly string[];
}

interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === "object" && value !== null && "type" in value;

function nodesOf(value: unknown): readonly SyntaxNode[] {
  if (Array.isArray(value)) return value.flatMap(nodesOf);
  if (!isNode(value)) return [];
  return [value, ...Object.values(value).flatMap(nodesOf)];
}

/** Texts by the name of the constant that holds them, from all sources: schemas import their patterns. */
type Constants = ReadonlyMap<string, string>;

/** Regular expressions of every kind: literals, `RegExp(...)` and the `pattern` of a JSON Schema. */
export function findPatterns(sources: Sources): FoundPatterns {
  const files = [...sources].map(([path, source]) => ({
    path,
    source,
    nodes: nodesOf(parseSync(path, source).program),
  }));
  const constants = constantsOf(files.flatMap(({ nodes }) => nodes));
  const found = files.flatMap(({ path, source, nodes }) =>
    nodes.flatMap((node) => {
      const pattern = patternOf(node, constants);
      if (pattern === undefined) return [];
      const line = source.slice(0, node.start).split("\n").length;
      return [{ place: `${path}:${line}`, ...pattern }];
    }),
  );
  return {
    patterns: found.flatMap(({ place, source, flags }) =>
      source === undefined ? [] : [{ place, source, flags }],
    ),
    unknown: found.flatMap(({ place, source }) => (source === undefined ? [place] : [])),
  };
}

function constantsOf(nodes: readonly SyntaxNode[]): Constants {
  const constants = new Map<string, string>();
  for (const { type, id, init } of nodes) {
    if (type !== "VariableDeclarator" || !isNode(id) || typeof id["name"] !== "string") continue;
    const text = textOf(init, constants);
    if (text !== undefined) constants.set(id["name"], text);
  }
  return constants;
}

interface Pattern {
  readonly source: string | undefined;
  readonly flags: string;
}

function patternOf(node: SyntaxNode, constants: Constants): Pattern | undefined {
  const { type, regex, callee, key, value } = node;
  if (type === "Literal" && typeof regex === "object" && regex !== null) {
    const { pattern, flags } = regex as { readonly pattern: string; readonly flags: string };
    return { source: pattern, flags };
  }
  const isCall = type === "NewExpression" || type === "CallExpression";
  if (isCall && isNode(callee) && callee["name"] === "RegExp") {
    const [source, flags] = node["arguments"] as readonly unknown[];
    return { source: textOf(source, constants), flags: textOf(flags, constants) ?? "" };
  }
  const isSchemaPattern = type === "Property" && isNode(key) && key["name"] === "pattern";
  // A pattern that is taken out of something, `{ pattern }`, was put in somewhere else.
  if (!isSchemaPattern || node["shorthand"] === true || !isNode(value)) return undefined;
  return value.type === "Literal" && "regex" in value
    ? undefined
    : { source: textOf(value, constants), flags: "u" };
}

function textOf(node: unknown, constants: Constants): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === "Literal" && typeof node["value"] === "string") return node["value"];
  if (node.type === "Identifier") return constants.get(String(node["name"]));
  if (node.type !== "TemplateLiteral") return undefined;
  const quasis = node["quasis"] as readonly { readonly value: { readonly cooked: string } }[];
  const inserted = (node["expressions"] as readonly unknown[]).map((one) => textOf(one, constants));
  if (inserted.includes(undefined)) return undefined;
  return quasis.map(({ value }, at) => `${value.cooked}${inserted[at] ?? ""}`).join("");
}
