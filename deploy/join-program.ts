import { spawnSync } from "node:child_process";
import { chmod, cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findEngine } from "#control/workers/find-engine.ts";

/** The files that processes and threads are started from, below src. */
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
/** The constant of each joined file that holds the folder of the program. */
const FOLDER = "JOINED_PROGRAM_FOLDER";

export const isProgramSource = (path: string): boolean => !path.endsWith(".test.ts");

/** The file of Bun, which joins the program. Undefined if it is not installed. */
export function tryBun(): string | undefined {
  const { engine, file } = findEngine({
    wanted: "auto",
    nodeFile: process.execPath,
    arch: process.arch,
  });
  return engine === "bun" ? file : undefined;
}

/**
 * Joins the sources and their packages into a few JavaScript files in the folder `target`, which must not exist. It appears when it
 * is complete. `work` is a folder of the same file system.
 */
export async function joinProgram(
  bun: string,
  project: string,
  work: string,
  target: string,
): Promise<void> {
  // Bun finds the packages in the node_modules of a parent folder.
  const copied = await mkdtemp(join(work, "joined-"));
  try {
    await copySources(project, copied);
    joinFiles(bun, copied);
    const joined = join(copied, "dist");
    for (const path of await readdir(joined, { recursive: true })) {
      if (path.endsWith(".js")) await addFolder(joined, path, project);
    }
    // Workers run as another user.
    await chmod(joined, 0o755);
    await rename(joined, target);
  } finally {
    await rm(copied, { recursive: true, force: true });
  }
}

/** A module still finds its own place, although Bun puts it into another file. */
async function copySources(project: string, work: string): Promise<void> {
  const copied = join(work, "src");
  await cp(join(project, "src"), copied, { recursive: true, filter: isProgramSource });
  await cp(join(project, "package.json"), join(work, "package.json"));
  for (const path of await readdir(copied, { recursive: true })) {
    if (!path.endsWith(".ts")) continue;
    const source = await readFile(join(copied, path), "utf8");
    if (source.includes("import.meta.")) {
      await writeFile(join(copied, path), withPlace(source, path.replace(/\.ts$/, ".js")));
    }
  }
}

function withPlace(source: string, script: string): string {
  const placed = source
    .replaceAll("import.meta.dirname", `(${FOLDER} + ${JSON.stringify(join("/", script, ".."))})`)
    .replaceAll("import.meta.filename", `(${FOLDER} + ${JSON.stringify(join("/", script))})`);
  if (placed.includes("import.meta.")) {
    throw new Error(`${script} has an import.meta property that cannot be joined.`);
  }
  return placed;
}

/** `--splitting` keeps one copy of what the entries share, and loads a command's modules only when the command runs. */
function joinFiles(bun: string, work: string): void {
  const places = ["--root=src", "--outdir=dist"];
  const names = ["--entry-naming=[dir]/[name].js", "--chunk-naming=shared-[hash].js"];
  const entries = ENTRIES.map((path) => join("src", path));
  const args = ["build", "--target=node", "--splitting", ...places, ...names, ...entries];
  const { status, stderr } = spawnSync(bun, args, { cwd: work, encoding: "utf8" });
  if (status !== 0) throw new Error(`bun build ended with ${status}:\n${stderr}`);
}

/** Bun puts the folder of each package where a package asks for its own (`__dirname`). */
async function addFolder(joined: string, path: string, project: string): Promise<void> {
  const script = (await readFile(join(joined, path), "utf8")).replaceAll(
    `"${project}/node_modules/`,
    `${FOLDER} + "/../node_modules/`,
  );
  if (!script.includes(FOLDER)) return;
  const depth = path.split("/").length - 1;
  const up = depth === 0 ? "" : `.split("/").slice(0, -${depth}).join("/")`;
  await writeFile(join(joined, path), `const ${FOLDER} = import.meta.dirname${up};\n${script}`);
}
