import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const projectFolder = fileURLToPath(new URL("..", import.meta.url));
const programs = join(projectFolder, "node_modules/.bin");
const folders = ["src", "test", "bench", "deploy"];

interface Check {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

interface Outcome {
  readonly check: Check;
  readonly isGood: boolean;
  readonly seconds: string;
  readonly output: string;
}

function testOf(name: string, path: string): readonly Check[] {
  const args = ["--test", "--test-reporter=spec", path];
  // Continuous integration runs all tests after the checks.
  const isWanted = process.env["CI"] !== "true" && existsSync(join(projectFolder, path));
  return isWanted ? [{ name, command: process.execPath, args }] : [];
}

/** The slowest first: they run two at a time. */
const checks: readonly Check[] = [
  { name: "dead code", command: "knip", args: ["--no-progress", "--no-config-hints"] },
  { name: "lint", command: "oxlint", args: ["--deny-warnings", ...folders] },
  { name: "types", command: "tsc", args: ["-p", "."] },
  ...testOf("patterns", "test/patterns.test.ts"),
  ...testOf("docs", "test/docs.test.ts"),
  ...testOf("architecture", "test/architecture.test.ts"),
  { name: "format", command: "oxfmt", args: ["--check", ...folders, "!bench/results"] },
];
const checksAtOnce = 2;

async function run(check: Check): Promise<Outcome> {
  const startedAt = performance.now();
  const child = spawn(check.command, check.args, {
    cwd: projectFolder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PATH: `${programs}${delimiter}${process.env["PATH"] ?? ""}` },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const { promise, resolve } = Promise.withResolvers<boolean>();
  child.once("error", (error) => {
    output += `${check.command}: ${error.message}\n`;
    resolve(false);
  });
  child.once("close", (code) => resolve(code === 0));
  const isGood = await promise;
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  return { check, isGood, seconds, output };
}

async function runAll(): Promise<readonly Outcome[]> {
  const waiting = checks.values();
  const outcomes: Outcome[] = [];
  const runSome = async (): Promise<void> => {
    for (const check of waiting) {
      const outcome = await run(check);
      outcomes.push(outcome);
      console.log(`${outcome.isGood ? "ok    " : "FAILED"} ${check.name} (${outcome.seconds} s)`);
    }
  };
  await Promise.all(Array.from({ length: checksAtOnce }, runSome));
  return outcomes;
}

const outcomes = await runAll();
const advice = outcomes.flatMap(({ output }) => output.match(/\badvice: .*/g) ?? []);
if (advice.length > 0) console.log(`\n${advice.join("\n")}`);
const failed = outcomes.filter((outcome) => !outcome.isGood);
for (const { check, output } of failed) {
  console.log(`\n--- ${check.name}: ${check.command} ${check.args.join(" ")}\n${output.trim()}`);
}
if (failed.length > 0) {
  console.log(
    `\n${failed.length} of ${checks.length} checks failed: ${failed.map((one) => one.check.name).join(", ")}`,
  );
  process.exitCode = 1;
}
