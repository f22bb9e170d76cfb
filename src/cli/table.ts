import { escapeControls } from "#model/escape-controls.ts";
import { wrappedLines, widthOf } from "./wrap-text.ts";

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string | number;
  readonly isNumber?: boolean;
}

const GAP = "  ";
/** How far the further lines of a folded row are indented. */
const INDENT = "    ";

/** The columns that are on the same line of each row, by their index. */
type Fold = readonly number[];

/**
 * Returns a table with two spaces between columns. Control characters in cells are escaped. If the table is wider than `width`, the
 * width of the terminal, each row is folded into several lines.
 */
export function tableOf<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width?: number,
): string {
  const lines = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ cell }) => escapeControls(String(cell(row))))),
  ];
  const widths = columns.map((_, index) =>
    Math.max(...lines.map((cells) => widthOf(cells[index] ?? ""))),
  );
  const folds = foldsOf(widths, width ?? Infinity);
  return lines
    .flatMap((cells) =>
      folds.flatMap((fold, at) => {
        const start = fold.slice(0, -1).map((index) => {
          const cell = cells[index] ?? "";
          const fill = " ".repeat((widths[index] ?? 0) - widthOf(cell));
          return (columns[index]?.isNumber === true ? fill + cell : cell + fill) + GAP;
        });
        const lead = (at === 0 ? "" : INDENT) + start.join("");
        const last = fold.at(-1) ?? 0;
        const cell = cells[last] ?? "";
        const isNumber = columns[last]?.isNumber === true;
        const text = isNumber ? cell.padStart(widths[last] ?? 0) : cell;
        return hung(lead, text, width ?? Infinity);
      }),
    )
    .map((line) => `${line}\n`)
    .join("");
}

/** Puts as many columns on a line as fit. A column that is wider than a line has a line of its own. */
function foldsOf(widths: readonly number[], width: number): readonly Fold[] {
  const folds: number[][] = [];
  let used = Infinity;
  for (const [index, own] of widths.entries()) {
    const line = folds.at(-1);
    if (line !== undefined && used + GAP.length + own <= width) {
      line.push(index);
      used += GAP.length + own;
    } else {
      used = (folds.length === 0 ? 0 : INDENT.length) + own;
      folds.push([index]);
    }
  }
  return folds;
}

/** A name and what is said about it. Undefined if nothing is. */
export type Remark = readonly [name: string, text: string | undefined];

/**
 * Returns `  NAME: TEXT` for each remark, below a title if there is one, after an empty line. "" if there is no remark. Control
 * characters are escaped, and lines are folded like those of a table.
 */
export function remarksOf(
  title: string | undefined,
  remarks: readonly Remark[],
  width?: number,
): string {
  const lines = remarks.flatMap(([name, text]) =>
    text === undefined
      ? []
      : hung(`  ${escapeControls(name)}: `, escapeControls(text), width ?? Infinity),
  );
  if (lines.length === 0) return "";
  return ["", ...(title === undefined ? [] : [`${title}:`]), ...lines]
    .map((line) => `${line}\n`)
    .join("");
}

/** Returns lines of which the first begins with `lead`, and the others with as many spaces. */
export function hung(lead: string, text: string, width: number): readonly string[] {
  const indent = " ".repeat(widthOf(lead));
  return wrappedLines(text, width - indent.length).map((line, at) =>
    ((at === 0 ? lead : indent) + line).trimEnd(),
  );
}
