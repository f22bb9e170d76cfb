/** Returns what a command prints with `--json`. */
export const jsonText = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
