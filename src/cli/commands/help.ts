import type { Command } from "commander";
import { tryDidYouMean } from "#model/document/closest-name.ts";
import { withExamples } from "./command-options.ts";

/** Adds `tlsd help [COMMAND...]`. commander's own help command knows no command within another. */
export function addHelp(program: Command): void {
  const command = program
    .command("help")
    .description("print the help of a command")
    .argument("[command...]", "the command, e.g. `show vnics`")
    .action((names: readonly string[]) => {
      names.reduce(childOf, program).outputHelp();
    });
  withExamples(command, ["tlsd help", "tlsd help show vnics"]);
}

/** Throws CommanderError if there is no such command. */
function childOf(parent: Command, name: string): Command {
  const child = parent.commands.find((each) => each.name() === name);
  if (child !== undefined) return child;
  const known = parent.commands.map((each) => each.name());
  const hint = tryDidYouMean(name, known) ?? `Commands: ${known.join(", ")}.`;
  return parent.error(`error: there is no command '${name}'. ${hint}`);
}
