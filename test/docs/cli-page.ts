import type { Command } from "commander";
import { describedProgram } from "#harness/described-program.ts";
import { pageOf, sectionOf } from "./markdown.ts";

const INTRO = [
  "Every command exits with 0 on success, 1 on a failure that it prints (code, sentence, hint; see",
  "[failures](failures.md)), and 2 on wrong usage. Text that clients sent, such as server names, is printed with control",
  "characters escaped.",
].join("\n");

const HELP_WIDTH = 100;
export function cliPage(): string {
  const sections = commandsOf(describedProgram()).map((command) =>
    sectionOf(pathOf(command), `\`\`\`text\n${helpOf(command).trim()}\n\`\`\``),
  );
  return pageOf("Commands", INTRO, sections);
}

/** The command and all within it, but for hidden ones. */
export function commandsOf(command: Command): readonly Command[] {
  const within = command.createHelp().visibleCommands(command);
  return [command, ...within.flatMap(commandsOf)];
}

/** The command as a user types it, e.g. `tlsd show vnics`. */
export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => HELP_WIDTH,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text;
}
