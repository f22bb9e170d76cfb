import type { Command } from "commander";
import { buildProgram } from "#cli/build-program.ts";
import { settingsOf } from "#cli/settings/setting-schema.ts";
import { pageOf, sectionOf } from "./markdown.ts";

const INTRO = [
  "Every command exits with 0 on success, 1 on a failure that it prints (code, sentence, hint; see",
  "[failures](failures.md)), and 2 on wrong usage. Text that clients sent, such as server names, is printed with control",
  "characters escaped.",
].join("\n");

const HELP_WIDTH = 100;
const nothing = (): Promise<void> => Promise.resolve();

/** The command line as it is described, with nothing behind it. */
export function describedProgram(): Command {
  return buildProgram("0.0.0", "director.yaml", {
    serve: nothing,
    demo: nothing,
    check: nothing,
    show: nothing,
    reload: nothing,
    wait: nothing,
    resource: nothing,
    logLevel: nothing,
    apply: nothing,
    diff: nothing,
    edit: nothing,
    export: nothing,
    undo: nothing,
    backup: nothing,
    restore: nothing,
    settingsOf,
  });
}

export function cliPage(): string {
  const sections = commandsOf(describedProgram()).map((command) =>
    sectionOf(pathOf(command), `\`\`\`text\n${helpOf(command).trim()}\n\`\`\``),
  );
  return pageOf("Commands", INTRO, sections);
}

/** The command and all within it. */
export function commandsOf(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(commandsOf)];
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
