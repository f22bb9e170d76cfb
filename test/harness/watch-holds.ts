/**
 * Measures the longest time for which this thread has used the processor between two turns of a timer, in milliseconds. Unlike a
 * delay of the event loop, it does not count the time of other programs.
 */
export function watchHolds(): Disposable & { readonly longestMs: () => number } {
  const usedMs = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  let longestMs = 0;
  let lastMs = usedMs();
  const look = (): void => {
    const nowMs = usedMs();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    lastMs = nowMs;
  };
  const timer = setInterval(look, 1);
  return {
    longestMs: () => {
      look();
      return longestMs;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
