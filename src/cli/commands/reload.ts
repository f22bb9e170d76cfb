import type { Command } from "commander";
import { addChangeOptions, changeTermsOf, type ChangeTerms } from "./change-options.ts";
import { withExamples } from "./command-options.ts";

export interface ReloadRequest extends ChangeTerms {
  /** Whether the file is applied even if the document has changes that the file does not have. */
  readonly isForced: boolean;
}

/** Adds `tlsd reload`. */
export function addReload(program: Command, run: (request: ReloadRequest) => Promise<void>): void {
  const command = program
    .command("reload")
    .description(
      "have the director read its file again and apply the differences, and print the revision in force or every problem",
    )
    .option("--force", "apply the file even if the document was changed by other means since");
  addChangeOptions(command).action(async () => {
    const isForced = command.opts<{ readonly force?: true }>().force === true;
    await run({ isForced, ...changeTermsOf(command) });
  });
  withExamples(command, ["tlsd reload", "tlsd reload --socket /var/lib/tlsd/tlsd.sock --json"]);
}
