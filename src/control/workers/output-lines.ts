import type { Readable } from "node:stream";

const MAX_LINE_CHARACTERS = 4_096;

/** Hands over what a process prints, line by line; of a line that is longer than 4,096 characters the beginning. */
export function readOutputLines(output: Readable, onLine: (line: string) => void): void {
  let unfinished = "";
  const take = (line: string): void => {
    const text = line.trimEnd();
    if (text !== "") onLine(text);
  };
  output.setEncoding("utf8");
  output.on("data", (text: string) => {
    const lines = (unfinished + text).split("\n");
    unfinished = (lines.pop() ?? "").slice(0, MAX_LINE_CHARACTERS);
    for (const line of lines) take(line.slice(0, MAX_LINE_CHARACTERS));
  });
  output.on("end", () => take(unfinished));
  // The pipe of a process that was killed may break; what it printed until then has been read.
  output.on("error", () => undefined);
}
