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
        return () => {
          console.log(`\n${formatResult(result)}\n\nWritten: ${writeResult(result).join(", ")}`);
          return result.cases.some(({ error }) => error !== undefined) ? 1 : 0;
        };
      });
    },
    async changes(options) {
      exitCode = await withTools(async (tools) => {
        const result = await runChanges(options, tools);
        return () => print(formatChanges(result), writeFigures("changes", result));
      });
    },
    async certificates(options) {
      exitCode = await withTools(async (tools) => {
        const result = await runCertificates(options, tools);
        return () => print(formatCertificates(result), writeFigures("certificates", result));
      });
    },
    async resumption(options) {
      exitCode = await withTools(async (tools) => {
        const result = await runResumption(options, tools);
        return () => print(formatResumption(result), writeFigures("resumption", result));
      });
    },
    async profile(options) {
      exitCode = await withTools(async (tools) => {
        const text = await profileWorkers(options, tools);
        return () => print(text);
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

function print(text: string, written?: string): number {
  console.log(`\n${text}${written === undefined ? "" : `\n\nWritten: ${written}`}`);
  return 0;
}

/** Measures, and returns what reports the figures. It is called only if the bench was not interrupted, and returns the exit code. */
type Work = (tools: Tools) => Promise<() => number>;

/**
 * Ends all processes and removes all temporary files of `work` when it returns, and also after a signal. A signal ends what is
 * being measured, so the figures of an interrupted bench are not reported.
 */
async function withTools(work: Work): Promise<number> {
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
    const report = await work({ processes, workFolder, log });
    if (interruptedBy === undefined) return report();
  } catch (error) {
    if (interruptedBy === undefined) throw error;
  } finally {
    await processes.stopAll();
    rmSync(workFolder, { recursive: true, force: true });
  }
  log("The bench was interrupted, so it reports no figures.");
  return interruptedBy;
}
