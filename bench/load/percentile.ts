/** Nearest rank. NaN when there are no values. */
export function percentileOf(values: Float64Array, percent: number): number {
  const sorted = values.toSorted();
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}
