import type { Command } from "commander";
import { jsonOption, withExamples } from "./command-options.ts";

export interface CheckRequest {
  readonly path: string;
  readonly isJson: boolean;
}

/** Adds `tlsd check FILE`. */
export function addCheck(program: Command, run: (request: CheckRequest) => Promise<void>): void {
  const command = program
    .command("check")
    .description("report every problem of a document; no director needs to run")
    .argument("<file>", "the document, YAML or JSON")
    .addOption(jsonOption())
    .action(async (path: string) => {
      await run({ path, isJson: command.opts<{ readonly json?: true }>().json === true });
    });
  withExamples(command, ["tlsd check director.yaml", "tlsd check director.yaml --json"]);
}
