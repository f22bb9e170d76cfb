import type { Command } from "commander";
import { withExamples } from "./command-options.ts";

/** Adds `tlsd schema`. */
export function addSchema(program: Command, run: () => Promise<void>): void {
  const command = program
    .command("schema")
    .description("print the JSON Schema of the document, for editors")
    .action(run);
  command.addHelpText(
    "after",
    [
      "",
      "An editor with the YAML language server completes and checks a document that begins with",
      "  # yaml-language-server: $schema=director.schema.json",
      "which is a path from the folder of the document.",
    ].join("\n"),
  );
  withExamples(command, ["tlsd schema > director.schema.json"]);
}
