import type { Problem } from "#model/failure.ts";
import { parseJson } from "./parse-json.ts";
import { locateProblems } from "./locate-problems.ts";
import { checkedText, withShortPath, type ParsedText } from "./parse-document-value.ts";
import { parseYaml } from "./parse-yaml.ts";

const SPACE = 0x20;
const OPENING_BRACE = 0x7b;

/**
 * Parses and checks a document in YAML 1.2 or JSON. The problems have their lines and columns. May take unlimited time for a hostile
 * document. Throws SyntaxProblem.
 */
export function parseDocumentText(bytes: Uint8Array): ParsedText {
  const json = tryJson(bytes);
  const ofJson = json && checkedText(json.value);
  if (ofJson?.problems.length === 0) return ofJson;
  const parsed = parseYaml(bytes);
  const text = ofJson ?? checkedText(parsed.value);
  const positions = locateProblems(text.problems, parsed);
  const problems = text.problems.map((problem) => ({
    ...withShortPath(problem),
    ...positions.get(problem),
  }));
  return { ...text, problems };
}

/** JSON is YAML too, but the parser of YAML takes many times as long for a large document. It is needed only for positions. */
function tryJson(bytes: Uint8Array): { readonly value: unknown } | undefined {
  const first = bytes.find((byte) => byte > SPACE);
  if (first !== OPENING_BRACE) return undefined;
  try {
    return { value: parseJson(bytes) };
  } catch {
    return undefined;
  }
}

/** Returns the problems, which were found elsewhere, with their lines and columns in the document. Throws SyntaxProblem. */
export function locateInText(problems: readonly Problem[], bytes: Uint8Array): readonly Problem[] {
  const positions = locateProblems(problems, parseYaml(bytes));
  return problems.map((problem) => ({ ...problem, ...positions.get(problem) }));
}
