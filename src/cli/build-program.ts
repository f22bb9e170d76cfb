import { Command } from "commander";
import { addChangeCommands, type ChangeRuns } from "./commands/change-commands.ts";
import { addCheck, type CheckRequest } from "./commands/check.ts";
import { withExamples } from "./commands/command-options.ts";
import { addReload, type ReloadRequest } from "./commands/reload.ts";
import { addDemo, addServe, type ServeRequest } from "./commands/serve.ts";
import { addShow } from "./commands/show.ts";
import { addWait, type WaitRequest } from "./commands/wait.ts";
import type { ShowRequest } from "./show/run-show.ts";

/** The action of each command. */
export interface CommandRuns extends ChangeRuns {
  readonly serve: (request: ServeRequest) => Promise<void>;
  readonly demo: (request: ServeRequest) => Promise<void>;
  readonly check: (request: CheckRequest) => Promise<void>;
  readonly show: (request: ShowRequest) => Promise<void>;
  readonly reload: (request: ReloadRequest) => Promise<void>;
  readonly wait: (request: WaitRequest) => Promise<void>;
}

/** Builds the command line of `tlsd`. Wrong usage throws CommanderError instead of exiting. */
export function buildProgram(version: string, demoDocument: string, runs: CommandRuns): Command {
  const program = new Command("tlsd")
    .description("TLS Director: one tier that terminates TLS for every attached server")
    .version(version, "--version", "print the version")
    .helpOption("--help", "print help")
    .helpCommand(false)
    .showHelpAfterError("Use --help to see the usage.")
    .exitOverride();
  addServe(program, runs.serve);
  addWait(program, runs.wait);
  addReload(program, runs.reload);
  addCheck(program, runs.check);
  addShow(program, runs.show);
  addChangeCommands(program, runs);
  addDemo(program, demoDocument, runs.demo);
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
