import type { Problem } from "#model/failure.ts";
import { locateProblems } from "./locate-problems.ts";
import { checkedText, withShortPath, type ParsedText } from "./parse-document-value.ts";
import { parseYaml } from "./parse-yaml.ts";

/**
 * Parses and checks a document in YAML 1.2 or JSON. The problems have their lines and columns. May take unlimited time for a hostile
 * document. Throws SyntaxProblem.
 */
export function parseDocumentText(bytes: Uint8Array): ParsedText {
  const parsed = parseYaml(bytes);
  const text = checkedText(parsed.value);
  const positions = locateProblems(text.problems, parsed);
  const problems = text.problems.map((problem) => ({
    ...withShortPath(problem),
    ...positions.get(problem),
  }));
  return { ...text, problems };
}

/** Returns the problems, which were found elsewhere, with their lines and columns in the document. Throws SyntaxProblem. */
export function locateInText(problems: readonly Problem[], bytes: Uint8Array): readonly Problem[] {
  const positions = locateProblems(problems, parseYaml(bytes));
  return problems.map((problem) => ({ ...problem, ...positions.get(problem) }));
}
