import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { BenchFailure } from "../bench-failure.ts";
import { drawChart } from "./draw-chart.ts";
import type { BenchResult } from "./result.ts";

const resultsFolder = fileURLToPath(new URL("../results/", import.meta.url));

/** Writes the figures and, if HAProxy was measured, the chart. Returns the paths of the files. */
export function writeResult(result: BenchResult): string[] {
  const path = writeFigures(undefined, result);
  return [path, ...writeChart(result, path)];
}

/** Writes the figures of one group of the bench, or of all cases if `group` is undefined. Returns the path of the file. */
export function writeFigures(group: string | undefined, result: { readonly date: string }): string {
  mkdirSync(resultsFolder, { recursive: true });
  // The date without characters that are unusual in file names.
  const date = `${result.date.replaceAll(":", "").slice(0, 17)}Z`;
  const name = group === undefined ? date : `${group}-${date}`;
  const path = relative(process.cwd(), join(resultsFolder, `${name}.json`));
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  return path;
}

/** Writes the chart beside the JSON file. Returns its path, or nothing if HAProxy was not measured. */
export function writeChart(result: BenchResult, resultPath: string): string[] {
  const chart = drawChart(result);
  if (chart === undefined) return [];
  const path = resultPath.replace(/(?:\.json)?$/, ".svg");
  writeFileSync(path, chart);
  return [path];
}

export function readResult(path: string): BenchResult {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new BenchFailure(`${path} cannot be read as JSON.`, { cause });
  }
  // The bench wrote the rest of the file. Older versions used another name for this key.
  if (typeof value !== "object" || value === null || !("proxies" in value)) {
    throw new BenchFailure(`${path} is not a result of this version of the bench.`);
  }
  return value as BenchResult;
}
