import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { fillCompileCache } from "#harness/fill-compile-cache.ts";
import { joinOnce } from "#harness/joined-program.ts";

const projectFolder = fileURLToPath(new URL("..", import.meta.url));
const cacheFolder = join(projectFolder, "node_modules/.cache");
const wantedMajor = 26;
const minuteMs = 60_000;
const firstScenario = "test/harness/director.scaled.test.ts";
/**
 * How many files run at once, and the deadlines of one test and of the whole run. A file has directors, workers, clients
 * and endpoints of its own, so more files at once would only miss deadlines. The whole run needs a deadline, because a
 * file whose tests have ended stays alive while something holds its event loop.
 */
const plans = {
  short: { filesAtOnce: 3, testMs: 5 * minuteMs, runMs: 40 * minuteMs },
  long: { filesAtOnce: 1, testMs: 60 * minuteMs, runMs: 240 * minuteMs },
};

/**
 * A file `*.long.test.ts` is part of a long run only, and a file `*.scaled.test.ts` of both runs, at two sizes
 * (test/harness/run-length.ts). Every other file is part of the short run only.
 */
function runsIn(path: string, isLong: boolean): boolean {
  if (path.endsWith(".scaled.test.ts")) return true;
  return path.endsWith(".long.test.ts") === isLong;
}

function findTests(isLong: boolean, filters: readonly string[]): readonly string[] {
  return ["src", "test", "bench"]
    .flatMap((folder) =>
      readdirSync(`${projectFolder}${folder}`, { recursive: true, encoding: "utf8" }).map(
        (path) => `${folder}/${path}`,
      ),
    )
    .filter((path) => path.endsWith(".test.ts") && runsIn(path, isLong))
    .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
    .toSorted();
}

/**
 * Returns a file for each folder of unit tests, which runs all of them in one process, and the other files as they are. The
 * start of a process and its imports take longer than most unit tests.
 */
function joinUnitTests(files: readonly string[]): readonly string[] {
  const folderOf = (path: string): string => /^(src\/[^/]+|src|bench)\//.exec(path)?.[1] ?? "";
  const groups = Map.groupBy(files, folderOf);
  const joined = join(cacheFolder, "units");
  mkdirSync(joined, { recursive: true });
  return [...groups].flatMap(([folder, paths]) => {
    if (folder === "") return paths;
    const path = join(joined, `${folder.replace("/", "-")}.test.mjs`);
    const imports = paths.map((name) => `import "${projectFolder}${name}";\n`);
    writeFileSync(path, imports.join(""));
    return path;
  });
}

/**
 * The environment of the tests. Hundreds of directors are started and each process would load and compile the same files.
 * So there is a cache of compiled files and, if `isJoined`, a program of few files.
 */
async function environmentOf(isJoined: boolean): Promise<Readonly<Record<string, string>>> {
  const joined = isJoined ? await joinOnce(projectFolder, join(cacheFolder, "joined")) : undefined;
  const program = joined ?? join(projectFolder, "src/main.ts");
  const compiled = join(joined === undefined ? cacheFolder : dirname(dirname(joined)), "compiled");
  const env = { TLSD_TEST_PROGRAM: program, NODE_COMPILE_CACHE: compiled };
  if (!existsSync(compiled)) {
    mkdirSync(compiled, { recursive: true });
    // Workers run as another user.
    chmodSync(compiled, 0o1777);
    const tests = [...findTests(false, []), ...findTests(true, [])];
    const project = projectFolder;
    await fillCompileCache({ project, program, env, scenario: firstScenario, tests });
  }
  return env;
}

async function run(): Promise<void> {
  if (Number.parseInt(process.versions.node, 10) < wantedMajor) {
    console.error(
      `The tests need Node ${wantedMajor} and this is ${process.versions.node}: run them by \`npm test\`, after \`npm ci\`.`,
    );
    process.exitCode = 1;
    return;
  }
  const args = process.argv.slice(2);
  const isLong = args.includes("--long");
  const filters = args
    .filter((arg) => !arg.startsWith("--"))
    .map((arg) => arg.replace(/^\.\//, ""));
  const files = findTests(isLong, filters);
  if (files.length === 0) {
    console.error(`No test file matches ${filters.join(" ") || (isLong ? "--long" : "")}.`);
    process.exitCode = 1;
    return;
  }
  // A long run starts the sources, and so does a run of chosen tests, for its stack traces.
  const isJoined = args.includes("--joined") || (!isLong && filters.length === 0);
  const { filesAtOnce, testMs, runMs } = isLong ? plans.long : plans.short;
  const options = [`--test-concurrency=${filesAtOnce}`, `--test-timeout=${testMs}`];
  const paths = isJoined ? joinUnitTests(files) : files;
  const env = await environmentOf(isJoined);
  const child = spawn(process.execPath, ["--test", "--test-reporter=spec", ...options, ...paths], {
    cwd: projectFolder,
    env: { ...process.env, TLSD_TEST_LONG: isLong ? "1" : "0", ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  let isLate = false;
  const deadline = setTimeout(() => {
    isLate = true;
    // Node then names the files that still run, ends them and prints its summary.
    child.kill("SIGTERM");
  }, runMs);
  child.on("exit", (code, signal) => {
    clearTimeout(deadline);
    if (isLate) console.error(`The tests did not end within ${runMs / minuteMs} minutes.`);
    if (signal !== null) console.error(`node --test was ended by ${signal}.`);
    process.exitCode = isLate ? 1 : (code ?? 1);
  });
}

await run();
