const FIRST_MS = 200;
const MAX_MS = 10_000;
const MATURE_MS = 30_000;

/** How long to wait before a worker is replaced, from the wait before it and how long it lived. Doubles up to 10 s. */
export function backOffMsOf(previousMs: number, livedMs: number): number {
  if (previousMs === 0 || livedMs >= MATURE_MS) return FIRST_MS;
  return Math.min(2 * previousMs, MAX_MS);
}
