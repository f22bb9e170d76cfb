import { setTimeout as delay } from "node:timers/promises";
import {
  killTreeAtTestEnd,
  runToExit,
  startProcess,
  untilPrinted,
  type ProcessOptions,
  type ProcessResult,
  type RunningProcess,
} from "./child-process.ts";

const greeting = /Stop it with Ctrl\+C\.\n/;
const startDeadlineMs = 30_000;
/** The demo has addresses of its own: there is one of it on a machine at a time. */
const busyDeadlineMs = 90_000;
const commandDeadlineMs = 30_000;

/** Starts the demo and waits for its banner. Undefined, with the test skipped, while another demo holds the addresses. */
export async function startDemo(
  t: { skip(reason: string): void },
  command: readonly string[],
  options: ProcessOptions,
): Promise<RunningProcess | undefined> {
  const [program = "", ...args] = command;
  const expiresAtMs = performance.now() + busyDeadlineMs;
  for (;;) {
    const running = await startProcess(program, args, options);
    killTreeAtTestEnd(running);
    await untilPrinted(running, greeting, startDeadlineMs, { orEnd: true });
    if (greeting.test(running.output())) return running;
    const { stderr, stdout } = await running.exited;
    if (!stderr.includes("address-in-use")) throw new Error(`the demo ended:\n${stdout}${stderr}`);
    if (performance.now() > expiresAtMs) {
      t.skip("another demo runs on this machine");
      return undefined;
    }
    await delay(500);
  }
}

/** Runs a command as it was printed, in a shell. */
export const inShell = (command: string, options: ProcessOptions): Promise<ProcessResult> =>
  runToExit("sh", ["-c", command], { ...options, deadlineMs: commandDeadlineMs });

/** The lines of a text that call `program`, without their indentation. */
export const printedCommands = (text: string, program: string): readonly string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith(`${program} `));
