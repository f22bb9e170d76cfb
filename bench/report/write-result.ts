import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BenchResult } from "./bench-result.ts";

const resultsFolder = fileURLToPath(new URL("../results/", import.meta.url));

/** The path of the file; its name is the date with nothing a file system minds. */
export function writeResult(result: BenchResult): string {
  mkdirSync(resultsFolder, { recursive: true });
  const path = join(resultsFolder, `${result.date.replaceAll(":", "").slice(0, 17)}Z.json`);
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  return path;
}
