import { escapeControls } from "#model/escape-controls.ts";
import type { NoticeLevel } from "./worker-sink.ts";

const MAX_CHARACTERS = 1_024;
const MAX_PER_SECOND = 50;

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
    if (told > MAX_PER_SECOND) leftOut += 1;
    else onNotice(level, escapeControls(text.slice(0, MAX_CHARACTERS)));
  };
}
