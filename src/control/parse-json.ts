import { checkJsonText } from "#model/document/check-json-text.ts";
import { SourceProblem } from "./certificates/source-problem.ts";
import { SyntaxProblem, utf8TextOf } from "./syntax-problem.ts";

/**
 * Parses JSON in UTF-8. Returns undefined if there is nothing but white space. Throws SyntaxProblem, or SourceProblem if a key
 * is duplicated or if it is nested too deeply. No message contains a part of the text, which can be a secret.
 */
export function parseJson(bytes: Uint8Array): unknown {
  const text = utf8TextOf(bytes, "It");
  if (text.trim() === "") return undefined;
  const problem = checkJsonText(text);
  if (problem !== undefined) throw new SourceProblem(problem);
  const value = parsed(text);
  // Only an escape sequence can make a text that UTF-8 cannot represent.
  if (/\\u[dD][89a-fA-F]/.test(text) && !isWellFormed(value)) {
    throw new SyntaxProblem("A text has half of a surrogate pair, which UTF-8 cannot represent.");
  }
  return value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const [, line, column] = /\(line (\d+) column (\d+)\)$/.exec(String(cause)) ?? [];
    const place = line === undefined ? "" : ` See line ${line}, column ${column}.`;
    throw new SyntaxProblem(`It is not JSON.${place}`);
  }
}

/** `checkJsonText` has bounded the depth. */
function isWellFormed(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([key, part]) => key.isWellFormed() && isWellFormed(part));
}
