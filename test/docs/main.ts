/** Writes the reference pages: `npm run docs`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { projectFolder } from "#harness/tlsd.ts";
import { referencePages } from "./reference-pages.ts";

for (const [path, text] of Object.entries(await referencePages())) {
  const target = join(projectFolder, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
  console.log(path);
}
