/** Returns a rounded duration: `3 d`, `5 h`, `12 min` or `40 s`. */
export function spanText(ms: number): string {
  const seconds = Math.floor(Math.abs(ms) / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** UTC to the second: `2026-03-01 12:00:05Z`. */
export const timeText = (ms: number): string =>
  `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")}Z`;

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** Returns bytes in a unit that keeps the number short: `512 B`, `1.5 MiB`. */
export function bytesText(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  while (amount >= 1024 && unit < BYTE_UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(amount) : amount.toFixed(1)} ${BYTE_UNITS[unit]}`;
}
