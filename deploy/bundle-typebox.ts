/**
 * Joins the 690 files of the installed package `typebox` into a few, after `npm ci`. Node takes about 0.4 s
 * of processor time to load the 690, in each control process and each reader process. Without Bun the package stays as it is,
 * which is only slower.
 */
import { spawnSync } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
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
  const work = await mkdtemp(join(folder, "joined-"));
  try {
    joinFiles(file, entries, join(work, "joined"));
    const build = join(work, "build");
    await cp(join(folder, source), build, { recursive: true });
    await cp(join(work, "joined"), build, { recursive: true });
    await exchange(join(folder, source), build, join(work, "before"));
  } finally {
    await rm(work, { recursive: true });
  }
}

/**
 * Puts `next` in the place of `current` when it is complete, so that a full disk or an interrupted run leaves the package as it was. The
 * files of `current` are not written to, because other installations may share them by hard links.
 */
async function exchange(current: string, next: string, before: string): Promise<void> {
  await rename(current, before);
  try {
    await rename(next, current);
  } catch (error) {
    await rename(before, current);
    throw error;
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
