import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommanderError } from "commander";
import { BenchFailure } from "./bench-failure.ts";
import { ChildProcesses } from "./child-processes.ts";
import { parseOptions, type Options } from "./parse-options.ts";
import { profileWorkers } from "./profile/profile-workers.ts";
import { compareResults } from "./report/compare-results.ts";
import { formatResult } from "./report/format-result.ts";
import { readResult, writeReport, writeResult } from "./report/result-files.ts";
import { runBench, type BenchTools } from "./run-bench.ts";

/**
 * npm run bench: the director beside HAProxy, nginx stream, hitch and stunnel, in one run on one machine.
 *
 * The subject has a core of its own; load and endpoint have the others. All subjects have the same certificates and
 * one policy, and every connection is checked for them. What counts is CPU time per operation, which the kernel keeps
 * for each thread (schedstat), and which holds also where the load cannot fill the subject's core.
 *
 * parse-options -> run-bench -> run-groups -> measure/ -> report/. What subjects/ and load/ start ends with the bench.
 *
 * Exit code 0: measured; 1: a case was refused, or a BenchFailure, told in a sentence; 2: wrong usage; 128 and the
 * signal: interrupted.
 */
process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  // Debian keeps the peers where a user who is not root does not look.
  process.env["PATH"] = `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin`;
  try {
    return await run(parseOptions(argv));
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? 0 : 2;
    }
    if (error instanceof BenchFailure) {
      console.error(error.message);
      return 1;
    }
    throw error;
  }
}

function run(options: Options): Promise<number> | number {
  switch (options.task) {
    case "compare":
      console.log(compareResults(readResult(options.beforePath), readResult(options.afterPath)));
      return 0;
    case "report":
      console.log(`Written: ${writeReport(readResult(options.resultPath)).join(", ")}`);
      return 0;
    case "profile":
      return withTools(async (tools) => {
        console.log(`\n${await profileWorkers(options, tools)}`);
        return 0;
      });
    case "measure":
      return withTools(async (tools) => {
        const result = await runBench(options, tools);
        console.log(`\n${formatResult(result)}`);
        console.log(`\nWritten: ${[writeResult(result), ...writeReport(result)].join(", ")}`);
        return result.cases.some(({ refusal }) => refusal !== undefined) ? 1 : 0;
      });
    default:
      return options satisfies never;
  }
}

/** Whatever `work` starts and writes by these tools is gone when it returns, also on a signal. */
async function withTools(work: (tools: BenchTools) => Promise<number>): Promise<number> {
  const children = new ChildProcesses();
  const workFolder = mkdtempSync(join(tmpdir(), "tlsd-bench-"));
  // Subjects drop root, and still have to reach their files in here.
  chmodSync(workFolder, 0o755);
  let interruptedBy: number | undefined;
  for (const [signal, number] of [
    ["SIGINT", 2],
    ["SIGTERM", 15],
    ["SIGHUP", 1],
  ] as const) {
    process.on(signal, () => {
      interruptedBy = 128 + number;
      children.stopAll().catch((error: unknown) => console.error(error));
    });
  }
  const startMs = performance.now();
  const say = (line: string) => {
    const seconds = Math.round((performance.now() - startMs) / 1_000);
    console.error(`${String(seconds).padStart(4)} s  ${line}`);
  };

  try {
    return await work({ children, workFolder, say });
  } catch (error) {
    if (interruptedBy !== undefined) {
      return interruptedBy;
    }
    throw error;
  } finally {
    await children.stopAll();
    rmSync(workFolder, { recursive: true, force: true });
  }
}
