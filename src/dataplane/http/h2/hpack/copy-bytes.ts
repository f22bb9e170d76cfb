/** Up to this length, a loop is faster than a call of the engine. */
const SHORT = 32;

/** Copies a run of bytes and returns the offset after it in `target`. */
export function copyBytes(
  source: Buffer,
  from: number,
  to: number,
  target: Buffer,
  at: number,
): number {
  if (to - from > SHORT) {
    source.copy(target, at, from, to);
    return at + to - from;
  }
  let end = at;
  for (let index = from; index < to; index += 1) {
    target[end] = source[index] ?? 0;
    end += 1;
  }
  return end;
}
