/** A terminal that claims to be narrower is treated as this wide. */
const MIN_WIDTH = 20;

const SURROGATE = /[\ud800-\udfff]/;

/** Returns the number of characters. */
export const widthOf = (text: string): number =>
  SURROGATE.test(text) ? Array.from(text).length : text.length;

/** Breaks text into lines of at most `width` characters, between words if possible. */
export function wrappedLines(text: string, width: number): readonly string[] {
  const limit = Math.max(width, MIN_WIDTH);
  if (widthOf(text) <= limit) return [text];
  const lines: string[] = [];
  let line: string | undefined;
  for (const word of text.split(" ").flatMap((each) => piecesOf(each, limit))) {
    if (line !== undefined && widthOf(line) + 1 + widthOf(word) <= limit) {
      line += ` ${word}`;
      continue;
    }
    if (line !== undefined) lines.push(line);
    line = word;
  }
  return [...lines, line ?? ""];
}

/** Breaks a word that is longer than a line. */
function piecesOf(word: string, limit: number): readonly string[] {
  const characters = Array.from(word);
  if (characters.length <= limit) return [word];
  return Array.from({ length: Math.ceil(characters.length / limit) }, (_, at) =>
    characters.slice(at * limit, (at + 1) * limit).join(""),
  );
}
