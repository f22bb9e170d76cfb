import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const projectFolder = fileURLToPath(new URL("..", import.meta.url));
const wantedMajor = 26;
// A file holds directors, workers, clients and endpoints; more files at once than this only make deadlines miss.
const filesAtOnce = 3;
const minuteMs = 60_000;
/** Of one test, and of the whole run: a file whose tests have ended stays alive while something holds its event loop. */
const deadlines = {
  short: { testMs: 2 * minuteMs, runMs: 20 * minuteMs },
  long: { testMs: 60 * minuteMs, runMs: 240 * minuteMs },
};

/** `.long.test.ts` runs in a long run alone, `.scaled.test.ts` in both, at two sizes (test/harness/run-length.ts). */
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

/** Hundreds of directors are started, and each of their processes would compile the same files. */
function compileCache(): Readonly<Record<string, string>> {
  const folder = `${projectFolder}node_modules/.cache/compiled`;
  mkdirSync(folder, { recursive: true });
  // Workers are other users.
  chmodSync(folder, 0o1777);
  const env = { NODE_COMPILE_CACHE: folder };
  // A reader process may write no file.
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
  const { testMs, runMs } = isLong ? deadlines.long : deadlines.short;
  const options = [`--test-concurrency=${isLong ? 1 : filesAtOnce}`, `--test-timeout=${testMs}`];
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
