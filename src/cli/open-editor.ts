import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { DirectorError } from "#model/failure.ts";

/** The number that a shell adds to the number of a signal. */
const SIGNAL_CODE = 128;

/** Opens a file with the command of an editor, which may have arguments. Resolves to its exit code. */
export async function openEditor(command: string, path: string): Promise<number> {
  // As git does it: the shell splits the command into words, and the path is one argument.
  const editor = spawn("/bin/sh", ["-c", `${command} "$@"`, command, path], { stdio: "inherit" });
  try {
    const [code] = (await once(editor, "close")) as [number | null];
    return code ?? SIGNAL_CODE;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DirectorError("editor-failed", reason, { cause });
  }
}

/** Asks a question. Resolves to false if the answer begins with `n` or if the input ends, otherwise to true. */
export async function askYes(
  question: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<boolean> {
  const lines = createInterface({ input, output });
  try {
    const closed = once(lines, "close").then(() => "n");
    const answer = await Promise.race([lines.question(question), closed]);
    return !/^\s*n/i.test(answer);
  } finally {
    lines.close();
  }
}
