import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { cp, mkdir, readdir, rm } from "node:fs/promises";
import { extname, join } from "node:path";
import { isProgramSource, joinProgram, tryBun } from "../../deploy/join-program.ts";

const DAY_MS = 24 * 3_600_000;

/**
 * Joins the program as a package has it, and returns the path of its main file. Returns undefined without Bun, which joins
 * it. Loading hundreds of modules is most of what a short-lived process costs, and the tests start more than a thousand.
 * The same sources have the same path, under which Node caches their compiled code.
 */
export async function joinOnce(project: string, cache: string): Promise<string | undefined> {
  const bun = tryBun();
  if (bun === undefined) return undefined;
  const folder = join(cache, hashOfProgram(project));
  const main = join(folder, "dist/main.js");
  if (existsSync(main)) return main;
  await mkdir(folder, { recursive: true });
  await removeOld(cache);
  // The program reads its version from it.
  await cp(join(project, "package.json"), join(folder, "package.json"));
  try {
    await joinProgram(bun, project, folder, join(folder, "dist"));
  } catch (error) {
    // Another run may have been faster.
    if (!existsSync(main)) throw error;
  }
  return main;
}

function hashOfProgram(project: string): string {
  const paths = readdirSync(join(project, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => extname(path) !== "" && isProgramSource(path))
    .map((path) => join("src", path));
  const hash = createHash("sha256");
  const settings = ["package.json", "package-lock.json", "deploy/join-program.ts"];
  for (const path of [...paths.toSorted(), ...settings]) {
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
