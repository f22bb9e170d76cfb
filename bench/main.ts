import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommanderError } from "commander";
import { BenchFailure } from "./bench-failure.ts";
import { buildProgram } from "./build-program.ts";
import { formatResumption, runResumption } from "./certificates/run-resumption.ts";
import { formatCertificates, runCertificates } from "./certificates/run-certificates.ts";
import { formatChanges, runChanges } from "./changes/run-changes.ts";
import { Processes } from "./processes.ts";
import { profileWorkers } from "./profile/profile-workers.ts";
import { formatResult } from "./report/format-result.ts";
import { readResult, writeChart, writeFigures, writeResult } from "./report/result-files.ts";
import { runBench, type Tools } from "./run-bench.ts";

/**
 * `npm run bench` compares the director with HAProxy, nginx, hitch and stunnel in one invocation on one machine.
 * docs/bench.md explains what is measured and why the figures are comparable.
 *
 * build-program -> run-bench -> measure/ -> report/. All processes that it starts end with it.
 *
 * Exit code 0: measured; 1: a case failed, or the bench could not run; 2: wrong usage; 128 + signal: interrupted.
 */
process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  // Debian installs the peers in folders that only the PATH of root contains.
  process.env["PATH"] = `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin`;
  let exitCode = 0;
  const program = buildProgram({
    async measure(options) {
      exitCode = await withTools(async (tools) => {
        const result = await runBench(options, tools);
        console.log(`\n${formatResult(result)}\n\nWritten: ${writeResult(result).join(", ")}`);
        return result.cases.some(({ error }) => error !== undefined) ? 1 : 0;
      });
    },
    async changes(options) {
      exitCode = await withTools(async (tools) => {
        const result = await runChanges(options, tools);
        const written = writeFigures("changes", result);
        console.log(`\n${formatChanges(result)}\n\nWritten: ${written}`);
        return 0;
      });
    },
    async certificates(options) {
      exitCode = await withTools(async (tools) => {
        const result = await runCertificates(options, tools);
        const written = writeFigures("certificates", result);
        console.log(`\n${formatCertificates(result)}\n\nWritten: ${written}`);
        return 0;
      });
    },
    async resumption(options) {
      exitCode = await withTools(async (tools) => {
        console.log(`\n${formatResumption(await runResumption(options, tools))}`);
        return 0;
      });
    },
    async profile(options) {
      exitCode = await withTools(async (tools) => {
        console.log(`\n${await profileWorkers(options, tools)}`);
        return 0;
      });
    },
    show(resultPath) {
      const result = readResult(resultPath);
      const written = writeChart(result, resultPath);
      console.log(`${formatResult(result)}\n\nWritten: ${written.join(", ") || "nothing"}`);
    },
  });
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof BenchFailure)) throw error;
    console.error(error.message);
    return 1;
  }
}

/** Ends all processes and removes all temporary files of `work` when it returns, and also after a signal. */
async function withTools(work: (tools: Tools) => Promise<number>): Promise<number> {
  const processes = new Processes();
  const workFolder = mkdtempSync(join(tmpdir(), "tlsd-bench-"));
  // Proxies that drop root must be able to read their files.
  chmodSync(workFolder, 0o755);
  let interruptedBy: number | undefined;
  for (const [signal, number] of Object.entries({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 })) {
    process.on(signal, () => {
      interruptedBy = 128 + number;
      processes.stopAll().catch((error: unknown) => console.error(error));
    });
  }
  const startMs = performance.now();
  const log = (line: string): void => {
    const seconds = Math.round((performance.now() - startMs) / 1_000);
    console.error(`${String(seconds).padStart(4)} s  ${line}`);
  };
  try {
    return await work({ processes, workFolder, log });
  } catch (error) {
    if (interruptedBy !== undefined) return interruptedBy;
    throw error;
  } finally {
    await processes.stopAll();
    rmSync(workFolder, { recursive: true, force: true });
  }
}
