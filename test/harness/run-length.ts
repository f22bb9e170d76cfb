/** `npm run test:long` sets this variable to 1, and `npm test` sets it to 0. */
const isLongRun = process.env["TLSD_TEST_LONG"] === "1";

/**
 * The value for this run: `short` in `npm test`, `long` in `npm run test:long`. It is the one place where the two runs
 * differ in sizes, durations, counts and engines. A file that uses it, or `forEachEngineIfLong`, is named
 * `*.scaled.test.ts`, because a file with another name is part of one of the two runs only.
 */
export const scaled = <Value>(pair: { readonly short: Value; readonly long: Value }): Value =>
  isLongRun ? pair.long : pair.short;
