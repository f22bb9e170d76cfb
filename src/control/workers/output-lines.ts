import type { Readable } from "node:stream";
import { escapeControls } from "#model/escape-controls.ts";
import type { NoticeLevel } from "./worker-sink.ts";

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

const MAX_NOTICE_CHARACTERS = 1_024;
const MAX_NOTICES_PER_SECOND = 50;

type TakeNotice = (level: NoticeLevel, text: string) => void;

/**
 * Lets through at most 50 lines a second and 1,024 characters of each, control characters escaped. How many were left
 * out is told before the next line.
 */
export function boundNotices(
  onNotice: TakeNotice,
  nowMs = (): number => performance.now(),
): TakeNotice {
  let secondStartedMs = -Infinity;
  let told = 0;
  let leftOut = 0;
  return (level, text) => {
    if (nowMs() - secondStartedMs >= 1_000) {
      if (leftOut > 0) onNotice("warn", `(${leftOut} lines were left out)`);
      secondStartedMs = nowMs();
      told = 0;
      leftOut = 0;
    }
    told += 1;
    if (told > MAX_NOTICES_PER_SECOND) leftOut += 1;
    else onNotice(level, escapeControls(text.slice(0, MAX_NOTICE_CHARACTERS)));
  };
}
