import { describe } from "node:test";
import { isLongRun } from "./run-length.ts";

export type Engine = "bun" | "node";

const allEngines: readonly Engine[] = ["bun", "node"];

/** The engines under test: both, or the one that TLSD_TEST_ENGINE names. */
export function enginesUnderTest(): readonly Engine[] {
  const wanted = process.env["TLSD_TEST_ENGINE"];
  if (wanted === undefined || wanted === "") return allEngines;
  const engine = allEngines.find((candidate) => candidate === wanted);
  if (engine === undefined) throw new Error(`TLSD_TEST_ENGINE is bun or node, not ${wanted}`);
  return [engine];
}

/**
 * Declares the same scenarios once an engine, each in a `describe` block of its own. `concurrency` is that of a block's
 * scenarios; without it they inherit it.
 */
export function forEachEngine(
  declare: (engine: Engine) => void,
  options: { readonly concurrency?: number | boolean } = {},
): void {
  declareOn(enginesUnderTest(), declare, options);
}

/**
 * As `forEachEngine` in a long run; in `npm test` on one engine alone. For scenarios that take long or ask the control process, which does much the
 * same on either engine. Their file ends in `.scaled.test.ts`.
 */
export function forEachEngineIfLong(
  short: Engine,
  declare: (engine: Engine) => void,
  options: { readonly concurrency?: number | boolean } = {},
): void {
  const under = enginesUnderTest();
  declareOn(isLongRun || !under.includes(short) ? under : [short], declare, options);
}

function declareOn(
  engines: readonly Engine[],
  declare: (engine: Engine) => void,
  options: { readonly concurrency?: number | boolean },
): void {
  for (const engine of engines) {
    describe(`engine ${engine}`, options, () => declare(engine));
  }
}
