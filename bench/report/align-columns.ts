/** The first column to the left, numbers to the right. */
export function alignColumns(table: readonly (readonly string[])[], isNumeric: boolean): string {
  const widthOf = (column: number) => Math.max(...table.map((row) => row[column]?.length ?? 0));
  const widths = (table[0] ?? []).map((_, column) => widthOf(column));
  const align = (cell: string, column: number) =>
    isNumeric && column > 0 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
  return table.map((row) => `  ${row.map(align).join("  ").trimEnd()}`).join("\n");
}
