import { Command, CommanderError, Option } from "commander";
import { addChangeCommands, type ChangeRuns } from "./commands/change-commands.ts";
import { addCheck, type CheckRequest } from "./commands/check.ts";
import { withExamples } from "./commands/command-options.ts";
import { addCut, type CutRequest } from "./commands/cut.ts";
import { addFailback, type FailbackRequest } from "./commands/failback.ts";
import type { Shell } from "./completion/completion-scripts.ts";
import { addCompletion } from "./commands/completion.ts";
import { addDoctor, type DoctorRequest } from "./commands/doctor.ts";
import { addHelp } from "./commands/help.ts";
import { addReload, type ReloadRequest } from "./commands/reload.ts";
import { addSchema } from "./commands/schema.ts";
import { addDemo, addServe, type ServeRequest } from "./commands/serve.ts";
import { addShow } from "./commands/show.ts";
import { addWait, type WaitRequest } from "./commands/wait.ts";
import type { ShowRequest } from "./show/run-show.ts";
import type { Terminal } from "./terminal.ts";

/** The action of each command. */
export interface CommandRuns extends ChangeRuns {
  readonly serve: (request: ServeRequest) => Promise<void>;
  readonly demo: (request: ServeRequest) => Promise<void>;
  readonly check: (request: CheckRequest) => Promise<void>;
  readonly schema: () => Promise<void>;
  readonly show: (request: ShowRequest) => Promise<void>;
  readonly cut: (request: CutRequest) => Promise<void>;
  readonly failback: (request: FailbackRequest) => Promise<void>;
  readonly doctor: (request: DoctorRequest) => Promise<void>;
  readonly reload: (request: ReloadRequest) => Promise<void>;
  readonly wait: (request: WaitRequest) => Promise<void>;
  readonly completion: (shell: Shell) => Promise<void>;
  readonly complete: (words: readonly string[], program: Command) => Promise<void>;
}

/** Builds the command line of `tlsd`. Wrong usage throws CommanderError instead of exiting. */
export function buildProgram(version: string, demoDocument: string, runs: CommandRuns): Command {
  const program = new Command("tlsd")
    .description("TLS Director: one tier that terminates TLS for every attached server")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand(false)
    .showHelpAfterError("Use --help to see the usage.")
    .exitOverride();
  // commander takes one short flag for an option.
  program.addOption(new Option("-v", "print the version").hideHelp()).on("option:v", () => {
    program.configureOutput().writeOut?.(`${version}
`);
    throw new CommanderError(0, "commander.version", version);
  });
  addServe(program, runs.serve);
  addWait(program, runs.wait);
  addReload(program, runs.reload);
  addCheck(program, runs.check);
  addSchema(program, runs.schema);
  addShow(program, runs.show);
  addCut(program, runs.cut);
  addFailback(program, runs.failback);
  addDoctor(program, runs.doctor);
  addChangeCommands(program, runs);
  addDemo(program, demoDocument, runs.demo);
  addCompletion(program, { print: runs.completion, complete: runs.complete });
  addHelp(program);
  program.addHelpText(
    "after",
    "\nExit codes: 0 success, 1 failure (with code, sentence and hint), 2 wrong usage.",
  );
  withExamples(program, [
    "tlsd serve --config director.yaml --data data",
    "tlsd check director.yaml && tlsd reload",
    "tlsd set profile shop servers+=web-3 --dry-run",
    "tlsd show handshakes --failed",
  ]);
  return program;
}

/** Makes a command and all commands within it print help and errors on a terminal. */
export function printTo(command: Command, terminal: Pick<Terminal, "out" | "err">): void {
  command.configureOutput({
    writeOut: (text) => terminal.out(text),
    writeErr: (text) => terminal.err(text),
  });
  for (const inner of command.commands) printTo(inner, terminal);
}
