import {
  isAlias,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type ErrorCode,
  type Node,
  type YAMLParseError,
  type YAMLWarning,
} from "yaml";
import type { Position } from "#model/problem.ts";
import { SyntaxProblem, utf8TextOf } from "./syntax-problem.ts";

/** Enough to repeat listeners by alias, and too few for nested aliases that expand to gigabytes. */
const MAX_ALIASES = 100;
/** 10,000 vNICs need 1 MiB. */
const MAX_VALUE_CHARACTERS = 4 * 1024 * 1024;

export interface ParsedYaml {
  /** A value that JSON can represent. */
  readonly value: unknown;
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
}

export function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

/** Parses YAML 1.2 or JSON. A hostile text of a few megabytes takes minutes. Throws SyntaxProblem. */
export function parseYaml(bytes: Uint8Array): ParsedYaml {
  try {
    const { value, ...nodes } = parsedOf(utf8TextOf(bytes, "The file"));
    return { value: plainOf(value), ...nodes };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // The parser is recursive, so deep nesting exhausts the call stack.
    const reason = error.message.includes("call stack") ? "nested too deeply" : "too large";
    throw new SyntaxProblem(`The document is ${reason}.`, undefined, { cause: error });
  }
}

/** Returns a copy in which aliases share no objects. JSON lacks `.inf` and `.nan`: they become text, which the schema refuses. */
function plainOf(value: unknown): unknown {
  const json = JSON.stringify(value ?? null, (_, one: unknown) =>
    typeof one === "number" && !Number.isFinite(one) ? String(one) : one,
  );
  if (json.length <= MAX_VALUE_CHARACTERS) return JSON.parse(json);
  throw new SyntaxProblem(
    `The document contains more than ${MAX_VALUE_CHARACTERS / 1024 / 1024} MiB.`,
  );
}

/** Removes the part of the document from a message. It can be a passphrase that needs quotes, such as one that begins with `!`. */
const withoutSource = ({ code, message }: YAMLParseError | YAMLWarning): string =>
  QUOTING_CODES.includes(code) ? (message.split(": ", 1)[0] ?? "") : message;

const QUOTING_CODES: readonly ErrorCode[] = ["TAG_RESOLVE_FAILED", "UNEXPECTED_TOKEN"];

function parsedOf(text: string): ParsedYaml {
  const lines = new LineCounter();
  const problemAt = (offset: number, message: string): SyntaxProblem =>
    new SyntaxProblem(message, positionAt(lines, offset));
  const document = parseDocument(text, {
    version: "1.2",
    schema: "core",
    // The check of the package compares every key with every other key. `checkNodes` needs only one pass.
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  // The package only warns of an unknown tag. It is an error here, because its author expects an effect.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem?.code === "RESOURCE_EXHAUSTION") throw new RangeError(problem.message);
  if (problem?.code === "MULTIPLE_DOCS") {
    throw problemAt(
      problem.pos[0],
      "A second document begins here. The file must contain only one.",
    );
  }
  if (problem !== undefined) throw problemAt(problem.pos[0], `${withoutSource(problem)}.`);
  checkNodes(document, (node, message) => problemAt(node.range?.[0] ?? 0, message));
  try {
    return { value: document.toJS({ maxAliasCount: MAX_ALIASES }), document, lines };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    throw new SyntaxProblem("The aliases of the document expand to too much data.", undefined, {
      cause: error,
    });
  }
}

/** Finds errors that the parser accepts: duplicate keys, keys that are not text, and aliases without a valid target. */
function checkNodes(
  document: Document.Parsed,
  problemOf: (node: Node, message: string) => SyntaxProblem,
): void {
  visit(document, {
    Map(_, map) {
      const keys = new Set<string>();
      for (const { key } of map.items) {
        if (!isScalar(key)) throw problemOf(map, "A key must be plain text.");
        const name = String(key.value);
        if (keys.has(name)) throw problemOf(key, `The key ${JSON.stringify(name)} is duplicated.`);
        keys.add(name);
      }
    },
    Alias(_, alias, ancestors) {
      const target = isAlias(alias) ? alias.resolve(document) : undefined;
      if (target === undefined)
        throw problemOf(
          alias,
          "The alias has no anchor before it. Quote a text that begins with *.",
        );
      if (ancestors.some((ancestor) => ancestor === target)) {
        throw problemOf(alias, `&${alias.source} contains itself.`);
      }
    },
  });
}
