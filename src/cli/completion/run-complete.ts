import type { Command } from "commander";
import { escapeControls } from "#model/escape-controls.ts";
import type { Terminal } from "#cli/terminal.ts";
import { completeNames } from "./complete-names.ts";
import { completeWords, FILES, type Candidate, type Completion } from "./complete-words.ts";

/** Prints the candidates for the last of `words`, or nothing. `defaultSocket` is that without --socket. */
export async function runComplete(
  program: Command,
  words: readonly string[],
  defaultSocket: string,
  terminal: Terminal,
): Promise<void> {
  const completion = completeWords(program, words);
  if (completion === FILES) return terminal.out(`${FILES}\n`);
  const word = words.at(-1) ?? "";
  const candidates = await candidatesOf(completion, word, defaultSocket);
  const lines = candidates
    .filter(({ value }) => value.startsWith(word))
    .map(({ value, description }) =>
      [value, description]
        .filter((part) => part !== "")
        .map(escapeControls)
        .join("\t"),
    );
  terminal.out(lines.map((line) => `${line}\n`).join(""));
}

async function candidatesOf(
  completion: Exclude<Completion, typeof FILES>,
  word: string,
  defaultSocket: string,
): Promise<readonly Candidate[]> {
  if (!("socketPath" in completion)) return completion;
  const { socketPath = defaultSocket } = completion;
  if ("kind" in completion) {
    const names = await completeNames(completion.kind, socketPath);
    return names.map((value) => ({ value, description: "" }));
  }
  // The schema takes long to load.
  const { completeSettings } = await import("./complete-settings.ts");
  return completeSettings(completion, word, (kind) => completeNames(kind, socketPath));
}
