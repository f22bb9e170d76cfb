import { after, getTestContext } from "node:test";

type Close = () => Promise<void> | void;

const fileLeftovers: Close[] = [];
let isHookedToFile = false;

/**
 * Runs `close` when the running test (or, from a `before` hook, its suite) ends; outside of both, at the end of the
 * file. `close` may be called twice: closing earlier with `await using` or by hand is fine.
 */
export function closeAtTestEnd(close: Close): void {
  const context = getTestContext();
  if (context !== undefined && "after" in context) {
    context.after(close);
    return;
  }
  fileLeftovers.push(close);
  // `after` outside of a test file would make node:test print a report into a program that runs no tests.
  if (isHookedToFile || !/\.test\.m?[jt]s$/.test(process.argv[1] ?? "")) return;
  isHookedToFile = true;
  after(async () => {
    for (const leftover of fileLeftovers.toReversed()) await leftover();
  });
}
