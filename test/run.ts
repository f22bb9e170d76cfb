import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const projectFolder = fileURLToPath(new URL("..", import.meta.url));
const wantedMajor = 26;
const minuteMs = 60_000;
/**
 * How many files run at once, and the deadlines of one test and of the whole run. A file has directors, workers, clients
 * and endpoints of its own, so more files at once would only miss deadlines. The whole run needs a deadline, because a
 * file whose tests have ended stays alive while something holds its event loop.
 */
const plans = {
  short: { filesAtOnce: 3, testMs: 2 * minuteMs, runMs: 20 * minuteMs },
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

/** A cache of compiled files, because hundreds of directors are started and each process would compile the same files. */
function compileCache(): Readonly<Record<string, string>> {
  const folder = `${projectFolder}node_modules/.cache/compiled`;
  mkdirSync(folder, { recursive: true });
  // Workers run as another user.
  chmodSync(folder, 0o1777);
  const env = { NODE_COMPILE_CACHE: folder };
  // A reader process may not write files, so this process fills the cache for it.
  const reader = `${projectFolder}src/control/reader/main.ts`;
  spawnSync(process.execPath, [reader], { env, stdio: "ignore" });
  return env;
}

function run(): void {
  if (Number.parseInt(process.versions.node, 10) < wantedMajor) {
    console.error(
      `The tests need Node ${wantedMajor} and this is ${process.versions.node}: run them by \`npm test\`, after \`npm ci\`.`,
    );
    process.exitCode = 1;
    return;
  }
  const args = process.argv.slice(2);
  const isLong = args.includes("--long");
  const filters = args.filter((arg) => arg !== "--long").map((arg) => arg.replace(/^\.\//, ""));
  const files = findTests(isLong, filters);
  if (files.length === 0) {
    console.error(`No test file matches ${filters.join(" ") || (isLong ? "--long" : "")}.`);
    process.exitCode = 1;
    return;
  }
  const { filesAtOnce, testMs, runMs } = isLong ? plans.long : plans.short;
  const options = [`--test-concurrency=${filesAtOnce}`, `--test-timeout=${testMs}`];
  const child = spawn(process.execPath, ["--test", "--test-reporter=spec", ...options, ...files], {
    cwd: projectFolder,
    env: { ...process.env, TLSD_TEST_LONG: isLong ? "1" : "0", ...compileCache() },
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

run();
