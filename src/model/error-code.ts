/** Returns the code of a system or Node.js error, such as `ENOENT`. Returns undefined if `error` has none. */
export function errorCodeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}
