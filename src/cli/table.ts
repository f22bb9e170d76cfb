import { escapeControls } from "#model/escape-controls.ts";

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string | number;
  readonly isNumber?: boolean;
}

/** Returns a table with two spaces between columns. Control characters in cells are escaped. */
export function tableOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ cell }) => escapeControls(String(cell(row))))),
  ];
  const widths = columns.map((_, index) =>
    Math.max(...lines.map((cells) => widthOf(cells[index] ?? ""))),
  );
  return lines
    .map((cells) =>
      cells
        .map((cell, index) => {
          const fill = " ".repeat((widths[index] ?? 0) - widthOf(cell));
          return columns[index]?.isNumber === true ? fill + cell : cell + fill;
        })
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}

const widthOf = (text: string): number => Array.from(text).length;
