import { spawn, spawnSync } from "node:child_process";
import { dirname, extname, join } from "node:path";
import { rootCertificates } from "node:tls";
import type { ReaderJob } from "#control/reader/jobs.ts";
import { readerCacheOf } from "#control/reader/reader-command.ts";
import { encodeFrame } from "#protocol/job-frames.ts";

const FILL_DEADLINE_MS = 60_000;
const places = { ca: "ca", crl: "crl" };
const jobs: readonly (readonly [ReaderJob, Buffer])[] = [
  [{ kind: "document", format: "yaml" }, Buffer.from("servers: { web: { address: 127.0.0.1 } }\n")],
  [{ kind: "trust", has: { crl: false }, places }, Buffer.from(rootCertificates[0] ?? "")],
];

/**
 * Node caches of a file only the functions that the first process has called which loaded it, and most tests would call few.
 * So the cache is filled by a reader that does jobs, by a scenario, and by an import of all tests.
 */
export async function fillCompileCache(options: {
  readonly project: string;
  /** The main file of the program. */
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  readonly scenario: string;
  readonly tests: readonly string[];
}): Promise<void> {
  const { project, program, env, scenario, tests } = options;
  const reader = join(dirname(program), `control/reader/main${extname(program)}`);
  await fillByReader(reader, readerCacheOf(env));
  // Node runs the imported modules in their order, but compiles all of them first. So this compiles every test and runs none.
  const urls = ["data:text/javascript,process.exit()", ...tests.map((path) => project + path)];
  const imports = urls.map((url) => `import "${url}";`).join("\n");
  for (const args of [[scenario], ["--input-type=module", "--eval", imports]]) {
    spawnSync(process.execPath, args, {
      cwd: project,
      env: { ...process.env, ...env },
      stdio: "ignore",
      timeout: FILL_DEADLINE_MS,
    });
  }
}

/** A reader that a director has started is killed at its end, before Node would write the cache. */
async function fillByReader(reader: string, cache: string | undefined): Promise<void> {
  const env = { ...process.env, ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }) };
  const child = spawn(process.execPath, [reader], {
    env,
    stdio: ["pipe", "pipe", "ignore"],
    timeout: FILL_DEADLINE_MS,
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once("exit", () => resolve());
  child.once("error", () => resolve());
  child.stdin.on("error", () => undefined);
  for (const [job, file] of jobs) {
    for (const chunk of encodeFrame(job, [file])) child.stdin.write(chunk);
    await new Promise((done) => child.stdout.once("data", done).once("close", done));
  }
  child.stdin.end();
  await promise;
}
