import { DirectorError, type Problem } from "#model/failure.ts";
import type { CheckRequest } from "./commands/check.ts";
import { printProblems } from "./print-problems.ts";
import { trySourceText } from "./source-text.ts";
import type { Terminal } from "./terminal.ts";
import { jsonText } from "./json-text.ts";

/** Prints what `checkFile` found. Resolves to false if the document would be refused. */
export async function runCheck(
  request: CheckRequest,
  terminal: Terminal,
  checkFile: (path: string) => Promise<{ readonly problems: readonly Problem[] }>,
): Promise<boolean> {
  const { path, isJson } = request;
  const { problems } = await checkFile(path);
  const isValid = problems.every(({ severity }) => severity === "warning");
  if (isJson) {
    const failure = isValid ? {} : new DirectorError("document-invalid", path).toShape();
    terminal.out(jsonText({ isValid, ...failure, problems }));
    return isValid;
  }
  const hasPlace = problems.some(({ line }) => line !== undefined);
  const source = hasPlace ? await trySourceText(path) : undefined;
  const { out: outColours, err: errColours } = terminal.hasColours ?? {};
  const hasColours = isValid ? outColours : errColours;
  const text = printProblems(problems, { hasColours, source });
  if (isValid) terminal.out(`${text}${path}: the document is valid.\n`);
  else terminal.err(text);
  return isValid;
}
