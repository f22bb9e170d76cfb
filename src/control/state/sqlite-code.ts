/** Returns the result code of an error that SQLite has thrown (https://sqlite.org/rescode.html). Returns undefined for others. */
export function sqliteCodeOf(error: unknown): number | undefined {
  const code = error instanceof Error && "errcode" in error ? error.errcode : undefined;
  return typeof code === "number" ? code : undefined;
}
