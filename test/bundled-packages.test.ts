import assert from "node:assert/strict";
import { readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { findEngine } from "#control/workers/find-engine.ts";
import { runToExit } from "#harness/child-process.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";

const { engine } = findEngine({
  wanted: "auto",
  nodeFile: process.execPath,
  arch: process.arch,
});

it("typebox is loaded as a few files, with one copy of what its entries share", async (t) => {
  if (engine !== "bun") return t.skip("typebox is joined by Bun, which is not installed");
  const entries = ["typebox", "typebox/type"].map((name) => import.meta.resolve(name));
  const [all, type] = await Promise.all(
    entries.map((url) => import(url) as Promise<Readonly<Record<string, unknown>>>),
  );
  const [folder = ""] = entries.map((url) => fileURLToPath(new URL(".", url)));
  const names = readdirSync(folder).filter((name) => name.startsWith("shared-"));
  assert.ok(names.length > 0, "`npm run prepare` joins the files");
  assert.ok(names.length < 20);
  assert.equal(all?.["Object"], type?.["Object"]);
});

const project = fileURLToPath(new URL("..", import.meta.url));
const program = "deploy/bundle-typebox.ts";
/** A disk that is full when files are copied. */
const fullDisk = `
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
promises.cp = () => Promise.reject(new Error("ENOSPC"));
syncBuiltinESMExports();
`;

/** A project with a package `typebox` of three files, which have not been joined. */
async function makeProject() {
  const folder = await makeTempFolder();
  const typebox = join(folder, "node_modules/typebox");
  await writeFiles(folder, {
    "package.json": readFileSync(join(project, "package.json")),
    [program]: readFileSync(join(project, program)),
  });
  await writeFiles(typebox, {
    "package.json": JSON.stringify({
      type: "module",
      exports: { ".": { import: "./build/index.mjs" }, "./type": { import: "./build/type.mjs" } },
    }),
    "build/index.mjs": 'export * from "./one.mjs"; export const all = 1;',
    "build/type.mjs": 'export * from "./one.mjs"; export const type = 1;',
    "build/one.mjs": "export const one = {};",
  });
  symlinkSync(join(project, "src"), join(folder, "src"));
  const names = () => readdirSync(typebox, { recursive: true, encoding: "utf8" }).toSorted();
  const run = (...flags: readonly string[]) =>
    runToExit(process.execPath, [...flags, join(folder, program)]);
  return { names, run };
}

it("a package is joined once, and stays as it was if it cannot be joined", async (t) => {
  if (engine !== "bun") return t.skip("typebox is joined by Bun, which is not installed");
  const { names, run } = await makeProject();
  const before = names();
  const failed = await run("--import", `data:text/javascript,${encodeURIComponent(fullDisk)}`);
  assert.match(failed.stderr, /ENOSPC/);
  assert.deepEqual(names(), before);
  assert.equal((await run()).code, 0);
  const joined = names();
  assert.equal(joined.filter((name) => name.startsWith("build/shared-")).length, 1);
  assert.deepEqual(
    joined.filter((name) => !name.includes("shared-")),
    before,
  );
  assert.equal((await run()).code, 0);
  assert.deepEqual(names(), joined);
});
