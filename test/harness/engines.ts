import { describe } from "node:test";
import { scaled } from "./run-length.ts";

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
 * Declares the scenarios on every engine in a long run, and on the engine `short` alone in `npm test`. This is for
 * scenarios that take long, or that test the control process, which does nearly the same on either engine.
 */
export function forEachEngineIfLong(
  short: Engine,
  declare: (engine: Engine) => void,
  options: { readonly concurrency?: number | boolean } = {},
): void {
  const all = enginesUnderTest();
  const one = all.includes(short) ? [short] : all;
  declareOn(scaled({ short: one, long: all }), declare, options);
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
