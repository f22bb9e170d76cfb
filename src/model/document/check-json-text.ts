import type { Problem } from "../failure.ts";
import { pathOf, problemOf, quoted, type ProblemCode } from "../problem.ts";

const MAX_DEPTH = 64;

/** A map or list that is open at a position of the text. */
interface Level {
  /** The keys of a map so far. Undefined for a list. */
  readonly keys: Set<string> | undefined;
  /** The key or the index of the current entry. */
  step: string | number;
  /** Whether the next string is a key. */
  isBeforeKey: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Finds what JSON.parse accepts silently or what can exhaust its callers: keys that are in a map twice, and nesting deeper than
 * 64 levels. Returns the first problem, with its line and column in the message. Takes time linear in the length. A text that is
 * not JSON causes no problem here, because JSON.parse refuses it.
 */
export function checkJsonText(text: string): Problem | undefined {
  const levels: Level[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const level = levels.at(-1);
    switch (text.charCodeAt(at)) {
      case QUOTE: {
        const end = endOfString(text, at);
        if (level?.isBeforeKey === true) {
          level.isBeforeKey = false;
          level.step = decoded(text.slice(at, end + 1));
          if (level.keys?.has(level.step) === true) {
            const message = `The key ${quoted(level.step)} is duplicated.`;
            return problemAt("duplicate-key", text, at, levels, message);
          }
          level.keys?.add(level.step);
        }
        at = end;
        break;
      }
      case 0x7b: // {
      case 0x5b: {
        // [
        if (levels.length === MAX_DEPTH) {
          const message = `Maps and lists are nested more than ${MAX_DEPTH} levels deep.`;
          return problemAt("nested-too-deeply", text, at, levels, message);
        }
        const isMap = text.charCodeAt(at) === 0x7b;
        levels.push({
          keys: isMap ? new Set() : undefined,
          step: isMap ? "" : 0,
          isBeforeKey: isMap,
        });
        break;
      }
      case 0x7d: // }
      case 0x5d: // ]
        levels.pop();
        break;
      case 0x2c: // ,
        if (typeof level?.step === "number") level.step += 1;
        else if (level !== undefined) level.isBeforeKey = true;
        break;
      default:
    }
  }
  return undefined;
}

/** Returns the position of the quote that ends the string, or of the end of the text. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at += 1;
  }
  return text.length;
}

/** Returns what a string with its quotes stands for, or the string itself if it is not JSON. */
function decoded(string: string): string {
  if (!string.includes("\\")) return string.slice(1, -1);
  try {
    return String(JSON.parse(string));
  } catch {
    return string;
  }
}

function problemAt(
  code: ProblemCode,
  text: string,
  at: number,
  levels: readonly Level[],
  message: string,
): Problem {
  const before = text.slice(0, at);
  const line = before.split("\n").length;
  const column = at - before.lastIndexOf("\n");
  const steps = code === "duplicate-key" ? levels : levels.slice(0, 8);
  const path = pathOf(...steps.map(({ step }) => step));
  return problemOf(code, path, `line ${line}, column ${column}: ${message}`);
}
