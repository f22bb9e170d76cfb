import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readerCacheOf } from "#control/reader/reader-command.ts";

const projectFolder = fileURLToPath(new URL("..", import.meta.url));
const wantedMajor = 26;
const minuteMs = 60_000;
const firstScenario = "test/harness/director.scaled.test.ts";
/** The modules of a reader process, and one of its jobs. */
const readerWork = `
import "#control/reader/main.ts";
import "#control/certificates/parse-trust.ts";
import { readFileSync } from "node:fs";
import { parseDocumentText } from "#control/parse-document-text.ts";
parseDocumentText(readFileSync("director.yaml"));
`;
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
  const env = { NODE_COMPILE_CACHE: folder };
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true });
    // Workers run as another user.
    chmodSync(folder, 0o1777);
    fillCache(env);
  }
  return env;
}

/**
 * Node caches of a file only the functions that the first process has called which loaded it, and most tests would call few.
 * So a scenario fills the cache first.
 */
function fillCache(env: Readonly<Record<string, string>>): void {
  const fill = (args: readonly string[], folder: Readonly<Record<string, string | undefined>>) =>
    spawnSync(process.execPath, args, {
      cwd: projectFolder,
      env: { ...process.env, ...folder },
      stdio: "ignore",
      timeout: minuteMs,
    });
  // A reader process is killed at its end, before Node would write its cache.
  fill(["--input-type=module", "--eval", readerWork], { NODE_COMPILE_CACHE: readerCacheOf(env) });
  fill([firstScenario], env);
  // Node runs the imported modules in their order, but compiles all of them first. So this compiles every test and runs none.
  const modules = [...findTests(false, []), ...findTests(true, [])].map(
    (path) => projectFolder + path,
  );
  const imports = ["data:text/javascript,process.exit()", ...modules].map(
    (url) => `import "${url}";`,
  );
  fill(["--input-type=module", "--eval", imports.join("\n")], env);
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
