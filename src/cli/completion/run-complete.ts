import type { Command } from "commander";
import { escapeControls } from "#model/escape-controls.ts";
import type { Terminal } from "#cli/terminal.ts";
import { completeNames } from "./complete-names.ts";
import { completeWords, FILES, type Candidate } from "./complete-words.ts";

/** Prints the candidates for the last of `words`, or nothing. `defaultSocket` is that without --socket. */
export async function runComplete(
  program: Command,
  words: readonly string[],
  defaultSocket: string,
  terminal: Terminal,
): Promise<void> {
  const completion = completeWords(program, words);
  if (completion === FILES) return terminal.out(`${FILES}\n`);
  const candidates =
    "kind" in completion
      ? (await completeNames(completion.kind, completion.socketPath ?? defaultSocket))
          .filter((name) => name.startsWith(words.at(-1) ?? ""))
          .map((value): Candidate => ({ value, description: "" }))
      : completion;
  const lines = candidates.map(({ value, description }) =>
    [value, description]
      .filter((part) => part !== "")
      .map(escapeControls)
      .join("\t"),
  );
  terminal.out(lines.map((line) => `${line}\n`).join(""));
}
