import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommanderError } from "commander";
import { BenchFailure } from "./bench-failure.ts";
import { ChildProcesses } from "./child-processes.ts";
import { parseOptions, type BenchOptions } from "./parse-options.ts";
import { formatResult } from "./report/format-result.ts";
import { writeResult } from "./report/write-result.ts";
import { runBench } from "./run-bench.ts";

/**
 * npm run bench: the director beside HAProxy, nginx stream and hitch, in one run on one machine.
 *
 * The subject has a core of its own; load and endpoint have the others. All subjects have one certificate and one
 * policy, and every connection is checked for them. What counts is CPU time per operation, which the kernel keeps in
 * nanoseconds for each thread (schedstat), and which holds also where the load cannot fill the subject's core.
 *
 * parse-options -> run-bench -> run-cases -> measure/ -> report/. What subjects/ and load/ start ends with the bench.
 *
 * Exit code 0: measured; 1: a BenchFailure, told in a sentence; 2: wrong usage; 128 and the signal: interrupted.
 */
process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  // Debian keeps the peers where a user who is not root does not look.
  process.env["PATH"] = `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin`;
  try {
    return await measure(parseOptions(argv));
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? 0 : 2;
    }
    throw error;
  }
}

async function measure(options: BenchOptions): Promise<number> {
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
      void children.stopAll();
    });
  }
  const startMs = performance.now();
  const say = (line: string) => {
    const seconds = Math.round((performance.now() - startMs) / 1_000);
    console.error(`${String(seconds).padStart(4)} s  ${line}`);
  };

  try {
    const result = await runBench(options, { children, workFolder, say });
    console.log(`\n${formatResult(result)}\n\nWritten to ${writeResult(result)}`);
    return 0;
  } catch (error) {
    if (interruptedBy !== undefined) {
      return interruptedBy;
    }
    if (error instanceof BenchFailure) {
      console.error(error.message);
      return 1;
    }
    throw error;
  } finally {
    await children.stopAll();
    rmSync(workFolder, { recursive: true, force: true });
  }
}
