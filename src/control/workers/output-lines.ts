import type { Readable } from "node:stream";
import { escapeControls } from "#model/escape-controls.ts";
import type { NoticeLevel } from "./worker-sink.ts";

const MAX_LINE_CHARACTERS = 4_096;

/** Calls `onLine` for each line that a process prints. A line of over 4,096 characters is cut. */
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
  // The pipe of a killed process may break. Everything that it printed before has been read.
  output.on("error", () => undefined);
}

const MAX_NOTICE_CHARACTERS = 1_024;
const MAX_NOTICES_PER_SECOND = 50;

type TakeNotice = (level: NoticeLevel, text: string) => void;

/**
 * Passes on at most 50 lines per second, each cut to 1,024 characters and with control characters escaped. The number of
 * lines that were left out is reported before the next line.
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
