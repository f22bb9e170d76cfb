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

export const mebibytesText = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
