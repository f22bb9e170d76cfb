/**
 * Joins the 690 files of the installed package `typebox` into a few, after `npm ci` and for `npm pack`. Node takes about 0.4 s
 * of processor time to load the 690, in each control process and each reader process. Without Bun the package stays as it is,
 * which is only slower.
 */
import { spawnSync } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findEngine } from "#control/workers/find-engine.ts";

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly import: string }>>;
}

const folder = fileURLToPath(new URL("..", import.meta.resolve("typebox")));
const source = "./build";
/** How the names of the files begin that hold what several entries share. */
const shared = "shared-";

async function bundleTypebox(): Promise<void> {
  const isDone = (await readdir(join(folder, source))).some((name) => name.startsWith(shared));
  const { engine, file } = findEngine({
    wanted: "auto",
    nodeFile: process.execPath,
    arch: process.arch,
  });
  if (isDone || engine !== "bun") return;
  const manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as Manifest;
  const entries = Object.values(manifest.exports).map((entry) => entry.import);
  const target = await mkdtemp(join(folder, "joined-"));
  try {
    joinFiles(file, entries, target);
    // The files that are replaced may be shared with other installations by hard links, so none is written to.
    for (const entry of entries) await rm(join(folder, entry));
    await cp(target, join(folder, source), { recursive: true });
  } finally {
    await rm(target, { recursive: true });
  }
}

/** `--splitting` keeps one copy of what the entries share, e.g. of the settings. */
function joinFiles(bun: string, entries: readonly string[], target: string): void {
  const places = [`--root=${source}`, `--outdir=${target}`];
  const names = ["--entry-naming=[dir]/[name].mjs", `--chunk-naming=${shared}[hash].mjs`];
  const args = ["build", "--target=node", "--splitting", ...places, ...names, ...entries];
  const { status, stderr } = spawnSync(bun, args, { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(`bun build ended with ${status}:\n${stderr}`);
}

await bundleTypebox();
