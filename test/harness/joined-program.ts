import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { extname, join } from "node:path";
import { findEngine } from "#control/workers/find-engine.ts";

/** The files that processes are started from, below src. */
const ENTRIES = [
  "main.ts",
  "control/main.ts",
  "control/reader/main.ts",
  "control/certificates/read-thread.ts",
  "control/certificates/watch-thread.ts",
  "control/prover/main.ts",
  "control/state/sqlite/thread.ts",
  "dataplane/main.ts",
  "dataplane/engine-trial/main.ts",
];
const DAY_MS = 24 * 3_600_000;

/**
 * Joins the sources and their packages into a few JavaScript files, and returns the path of the main one. Returns undefined
 * without Bun, which joins them. Loading hundreds of modules is most of what a short-lived process costs, and the tests start
 * more than a thousand. The same sources have the same path, under which Node caches their compiled code.
 */
export async function joinProgram(project: string, cache: string): Promise<string | undefined> {
  const { engine, file } = findEngine({
    wanted: "auto",
    nodeFile: process.execPath,
    arch: process.arch,
  });
  if (engine !== "bun") return undefined;
  const target = join(cache, hashOfSources(project));
  const main = join(target, "dist/main.js");
  if (existsSync(main)) return main;
  await mkdir(cache, { recursive: true });
  await removeOld(cache);
  const work = await mkdtemp(join(cache, "work-"));
  // Workers run as another user.
  await chmod(work, 0o755);
  try {
    await copySources(project, work, target);
    joinFiles(file, work);
    await rename(work, target);
  } catch (error) {
    // Another run may have been faster.
    if (!existsSync(main)) throw error;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return main;
}

const isSource = (path: string): boolean => !path.endsWith(".test.ts");

function hashOfSources(project: string): string {
  const paths = readdirSync(join(project, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => extname(path) !== "" && isSource(path))
    .map((path) => join("src", path));
  const hash = createHash("sha256");
  for (const path of [...paths.toSorted(), "package.json", "package-lock.json"]) {
    hash.update(`${path}\n`).update(readFileSync(join(project, path)));
  }
  return hash.digest("hex").slice(0, 16);
}

async function removeOld(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const folder = join(cache, name);
    const ageMs = Date.now() - statSync(folder).mtimeMs;
    if (ageMs > DAY_MS) await rm(folder, { recursive: true, force: true });
  }
}

/** Copies the program. A module still finds its own place, although Bun will put it into another file. */
async function copySources(project: string, work: string, target: string): Promise<void> {
  const copied = join(work, "src");
  await cp(join(project, "src"), copied, { recursive: true, filter: isSource });
  await cp(join(project, "package.json"), join(work, "package.json"));
  for (const path of await readdir(copied, { recursive: true })) {
    if (!path.endsWith(".ts")) continue;
    const source = await readFile(join(copied, path), "utf8");
    if (!source.includes("import.meta.")) continue;
    const place = join(target, "dist", path.replace(/\.ts$/, ".js"));
    await writeFile(join(copied, path), withPlace(source, place));
  }
}

const withPlace = (source: string, place: string): string =>
  source
    .replaceAll("import.meta.dirname", JSON.stringify(join(place, "..")))
    .replaceAll("import.meta.filename", JSON.stringify(place))
    .replaceAll("import.meta.url", JSON.stringify(`file://${place}`));

/** `--splitting` keeps one copy of what the entries share, and loads a command's modules only when the command runs. */
function joinFiles(bun: string, work: string): void {
  const places = ["--root=src", "--outdir=dist"];
  const names = ["--entry-naming=[dir]/[name].js", "--chunk-naming=shared-[hash].js"];
  const entries = ENTRIES.map((path) => join("src", path));
  const args = ["build", "--target=node", "--splitting", ...places, ...names, ...entries];
  const { status, stderr } = spawnSync(bun, args, { cwd: work, encoding: "utf8" });
  if (status !== 0) throw new Error(`bun build ended with ${status}:\n${stderr}`);
}
