/** Builds dist/ for `npm pack`: the sources as JavaScript, because Node does not strip types below node_modules. */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, resolve } from "node:path";

const project = resolve(import.meta.dirname, "..");
const source = join(project, "src");
const target = join(project, "dist");
/** Matches the path or alias of a file of this project in `from "…"`, `import "…"` and `import("…")`. */
const ownSpecifier = /((?:\bfrom|\bimport)\s*\(?\s*["'][.#][^"'\n]*)\.ts(["'])/g;

/** Replaces types by spaces and `.ts` by `.js`. Lines and columns in stack traces are therefore those of the source. */
const scriptOf = (code: string): string =>
  stripTypeScriptTypes(code, { mode: "strip" }).replaceAll(ownSpecifier, "$1.js$2");

async function build(): Promise<void> {
  await rm(target, { recursive: true, force: true });
  const paths = (await readdir(source, { recursive: true })).filter(
    (path) => path.endsWith(".ts") && !path.endsWith(".test.ts"),
  );
  for (const path of paths) {
    const script = join(target, path.replace(/\.ts$/, ".js"));
    await mkdir(dirname(script), { recursive: true });
    await writeFile(script, scriptOf(await readFile(join(source, path), "utf8")));
  }
}

await build();
