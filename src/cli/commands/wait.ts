import { Argument, type Command } from "commander";
import {
  durationOption,
  integerOption,
  jsonOption,
  socketOption,
  withExamples,
} from "./command-options.ts";

export interface WaitRequest {
  readonly socketPath: string;
  readonly timeoutMs: number;
  /** The process id of the director. */
  readonly pid: number | undefined;
  readonly isJson: boolean;
}

interface WaitOptions {
  readonly socket: string;
  readonly timeout: number;
  readonly pid?: number;
  readonly json?: true;
}

/** The largest process id on Linux, PID_MAX_LIMIT of proc(5). */
const MAX_PID = 4_194_304;

/** Adds `tlsd wait`. */
export function addWait(program: Command, run: (request: WaitRequest) => Promise<void>): void {
  const command = program
    .command("wait")
    .description("wait until the director is ready")
    .addArgument(new Argument("[state]", "what to wait for").choices(["ready"]).default("ready"))
    .addOption(socketOption())
    .addOption(durationOption("--timeout <duration>", "how long to wait", "60s"))
    .addOption(integerOption("--pid <pid>", "stop waiting if this process has ended", 1, MAX_PID))
    .addOption(jsonOption())
    .action(async () => {
      const { socket, timeout, pid, json } = command.opts<WaitOptions>();
      await run({ socketPath: socket, timeoutMs: timeout, pid, isJson: json === true });
    });
  withExamples(command, ["tlsd wait", "tlsd wait ready --timeout 10s --pid $MAINPID"]);
}
