import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { BenchFailure } from "../bench-failure.ts";
import type { BenchResult } from "./bench-result.ts";
import { renderReport } from "./render-report.ts";
import { drawOverview } from "./draw-overview.ts";
import { standaloneSvg } from "./standalone-svg.ts";

const resultsFolder = fileURLToPath(new URL("../results/", import.meta.url));

/** The path of the file; its name is the date with nothing a file system minds. */
export function writeResult(result: BenchResult): string {
  return write(result, "json", `${JSON.stringify(result, null, 2)}\n`);
}

/** The report and the chart beside the result. */
export function writeReport(result: BenchResult): string[] {
  const overview = drawOverview(result);
  return [
    write(result, "html", renderReport(result)),
    ...(overview === undefined ? [] : [write(result, "svg", standaloneSvg(overview))]),
  ];
}

function write(result: BenchResult, extension: string, text: string): string {
  mkdirSync(resultsFolder, { recursive: true });
  const name = `${result.date.replaceAll(":", "").slice(0, 17)}Z.${extension}`;
  const path = join(resultsFolder, name);
  writeFileSync(path, text);
  return relative(process.cwd(), path);
}

/** Throws a BenchFailure when there is no result in the file. */
export function readResult(path: string): BenchResult {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(resolve(path), "utf8"));
  } catch (cause) {
    throw new BenchFailure(`${path} cannot be read as JSON.`, { cause });
  }
  if (!isResult(value)) {
    throw new BenchFailure(`${path} is not a result of this bench, or of an older one.`);
  }
  return value;
}

/** By what an older format lacks; the bench wrote the rest. */
function isResult(value: unknown): value is BenchResult {
  return (
    typeof value === "object" &&
    value !== null &&
    "cases" in value &&
    Array.isArray(value.cases) &&
    value.cases.every((one: unknown) => typeof one === "object" && one !== null && "absent" in one)
  );
}
