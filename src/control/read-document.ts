import { dirname, resolve } from "node:path";
import {
  isAlias,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
} from "yaml";
import { DirectorError } from "#model/failure.ts";
import { FileUnusableError, readBoundedFile } from "./read-bounded-file.ts";

const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;
/** Repeating a listener by alias is fine; aliases of aliases that grow to gigabytes are not. */
const MAX_ALIASES = 100;

export interface ReadDocument {
  readonly value: unknown;
  /** Absolute; what the paths of the document are relative to. */
  readonly folder: string;
}

/** Reads YAML 1.2 or JSON. Throws DirectorError `document-unreadable`, with line and column where there are some. */
export async function readDocument(path: string): Promise<ReadDocument> {
  try {
    const { bytes } = await readBoundedFile(path, MAX_DOCUMENT_BYTES);
    return { value: parseYaml(textOf(bytes)), folder: dirname(resolve(path)) };
  } catch (error) {
    const isExpected = error instanceof FileUnusableError || error instanceof SyntaxProblem;
    throw new DirectorError(
      "document-unreadable",
      `${path}: ${isExpected ? error.message : "It is not YAML or JSON."}`,
      { cause: error, path },
    );
  }
}

class SyntaxProblem extends Error {
  override readonly name = "SyntaxProblem";
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new SyntaxProblem("It is not UTF-8 text.", { cause: error });
  }
}

function parseYaml(text: string): unknown {
  const lines = new LineCounter();
  const problemAt = (offset: number, message: string): SyntaxProblem => {
    const { line, col } = lines.linePos(offset);
    return new SyntaxProblem(`line ${line}, column ${col}: ${message}`);
  };
  const document = parseDocument(text, {
    version: "1.2",
    schema: "core",
    // Its own check compares every key with every other; `checkNodes` does it in one pass.
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  // An unknown tag is only a warning there, but its writer expects something of it.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw problemAt(problem.pos[0], `${problem.message}.`);
  checkNodes(document, (node, message) => problemAt(node.range?.[0] ?? 0, message));
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw new SyntaxProblem("Its aliases expand to too much.", { cause: error });
  }
}

/** What the parser lets pass: duplicate keys, keys that are no text, and aliases that lead nowhere or to themselves. */
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
        if (keys.has(name))
          throw problemOf(key, `The key ${JSON.stringify(name)} stands here twice.`);
        keys.add(name);
      }
    },
    Alias(_, alias, ancestors) {
      const target = isAlias(alias) ? alias.resolve(document) : undefined;
      if (target === undefined)
        throw problemOf(alias, `There is no anchor &${alias.source} before it.`);
      if (ancestors.some((ancestor) => ancestor === target)) {
        throw problemOf(alias, `&${alias.source} contains itself.`);
      }
    },
  });
}
