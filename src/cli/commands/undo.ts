import { Argument, Option, type Command } from "commander";
import {
  addChangeOptions,
  changeTermsOf,
  revisionArgument,
  type ChangeTerms,
} from "./change-options.ts";
import { withExamples } from "./command-options.ts";

export interface UndoRequest extends ChangeTerms {
  /** The revision to take back. Undefined for the newest change. */
  readonly revision: number | undefined;
  /** If this is set, the whole document of this revision is restored, and no single revision is taken back. */
  readonly to: number | undefined;
}

/** Adds `tlsd undo`. */
export function addUndo(program: Command, run: (request: UndoRequest) => Promise<void>): void {
  const command = program
    .command("undo")
    .description("take back a change of the document, as a new revision")
    .addArgument(
      new Argument(
        "[revision]",
        "the revision to take back; by default the newest change that is neither an undo nor undone",
      ).argParser(revisionArgument),
    )
    .addOption(
      new Option("--to <revision>", "restore the whole document of this revision").argParser(
        revisionArgument,
      ),
    );
  addChangeOptions(command).action(async (revision: number | undefined) => {
    const { to } = command.opts<{ readonly to?: number }>();
    if (revision !== undefined && to !== undefined) {
      command.error("error: a revision is either taken back or restored with --to, not both.");
    }
    await run({ revision, to, ...changeTermsOf(command) });
  });
  command.addHelpText("after", "\nThe undo of an undo makes the change again.");
  withExamples(command, ["tlsd undo", "tlsd undo 12 --dry-run", "tlsd undo --to 8"]);
}
