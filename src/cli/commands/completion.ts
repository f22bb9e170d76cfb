import { Argument, type Command } from "commander";
import { SHELLS, type Shell } from "#cli/completion/completion-scripts.ts";
import { withExamples } from "./command-options.ts";

/** Adds `tlsd completion SHELL`, and the hidden command that the printed scripts call. */
export function addCompletion(
  program: Command,
  runs: {
    readonly print: (shell: Shell) => Promise<void>;
    readonly complete: (words: readonly string[], program: Command) => Promise<void>;
  },
): void {
  const command = program
    .command("completion")
    .description("print a script with which a shell completes commands, options and names")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .action(runs.print);
  withExamples(command, [
    "tlsd completion bash > /etc/bash_completion.d/tlsd",
    'tlsd completion zsh > "${fpath[1]}/_tlsd"',
    "tlsd completion fish > ~/.config/fish/completions/tlsd.fish",
  ]);
  program
    .command("complete", { hidden: true })
    .argument("[words...]")
    .action((words: readonly string[]) => runs.complete(words, program));
}
