import type { Command } from "commander";
import { addChangeOptions, changeTermsOf, type ChangeTerms } from "./change-options.ts";
import { durationOption, jsonOption, socketOption, withExamples } from "./command-options.ts";

export interface ApplyRequest extends ChangeTerms {
  /** `-` is standard input. */
  readonly path: string;
  /** Whether the file is applied whatever revision is in force. */
  readonly isForced: boolean;
}

export interface DiffRequest {
  /** `-` is standard input. */
  readonly path: string;
  readonly socketPath: string;
  readonly timeoutMs: number;
  readonly isJson: boolean;
}

export interface ExportRequest {
  readonly socketPath: string;
  readonly isJson: boolean;
  /** Whether defaults are shown too. */
  readonly isEffective: boolean;
  /** The file that the document is merged into. Undefined for standard output. */
  readonly into: string | undefined;
}

export interface DocumentRuns {
  readonly apply: (request: ApplyRequest) => Promise<void>;
  readonly diff: (request: DiffRequest) => Promise<void>;
  readonly edit: (request: ChangeTerms) => Promise<void>;
  readonly export: (request: ExportRequest) => Promise<void>;
}

const FILE = "the document, YAML or JSON; - reads standard input";

/** Adds `tlsd apply`, `diff`, `edit` and `export`. */
export function addDocumentCommands(program: Command, runs: DocumentRuns): void {
  addApply(program, runs.apply);
  addDiff(program, runs.diff);
  addEdit(program, runs.edit);
  addExport(program, runs.export);
}

function addApply(program: Command, run: DocumentRuns["apply"]): void {
  const command = program
    .command("apply")
    .description("replace the document of a running director by a file")
    .argument("<file>", FILE)
    .option("--force", "apply the file whatever was changed since it was exported");
  addChangeOptions(command).action(async (path: string) => {
    const isForced = command.opts<{ readonly force?: true }>().force === true;
    await run({ path, isForced, ...changeTermsOf(command) });
  });
  command.addHelpText(
    "after",
    [
      "",
      "The whole document is replaced, so what the file does not have is removed. A file of `tlsd export`",
      "says which revision it was made from, and is refused if another one is in force. A file that does",
      "not say so needs --if-revision or --force. `director:` is left out: it holds start-up settings.",
    ].join("\n"),
  );
  withExamples(command, [
    "tlsd export > director.yaml && vi director.yaml && tlsd apply director.yaml",
    "tlsd apply director.yaml --dry-run",
    "tlsd apply director.yaml --force --reason 'release 42'",
  ]);
}

function addDiff(program: Command, run: DocumentRuns["diff"]): void {
  const command = program
    .command("diff")
    .description("show what `tlsd apply` would change, by path")
    .argument("<file>", FILE)
    .addOption(socketOption())
    .addOption(durationOption("--timeout <duration>", "how long to wait for the result", "60s"))
    .addOption(jsonOption())
    .action(async (path: string) => {
      const options = command.opts<{
        readonly socket: string;
        readonly timeout: number;
        readonly json?: true;
      }>();
      await run({
        path,
        socketPath: options.socket,
        timeoutMs: options.timeout,
        isJson: options.json === true,
      });
    });
  command.addHelpText(
    "after",
    "\nExit codes, as of diff(1): 0 equal, 1 different, 2 if the documents cannot be compared.",
  );
  withExamples(command, ["tlsd diff director.yaml", "tlsd diff director.yaml --json"]);
}

function addEdit(program: Command, run: DocumentRuns["edit"]): void {
  const command = program
    .command("edit")
    .description("edit the document of a running director in $VISUAL or $EDITOR, and apply it");
  addChangeOptions(command).action(async () => {
    await run(changeTermsOf(command));
  });
  withExamples(command, ["tlsd edit", "EDITOR=nano tlsd edit --reason 'more servers'"]);
}

function addExport(program: Command, run: DocumentRuns["export"]): void {
  const command = program
    .command("export")
    .description("print the document of a running director, with its revision, as YAML")
    .option("--effective", "show defaults too")
    .option("--into <file>", "merge the document into this file, and keep its comments")
    .addOption(socketOption())
    .addOption(jsonOption())
    .action(async () => {
      const options = command.opts<{
        readonly effective?: true;
        readonly into?: string;
        readonly socket: string;
        readonly json?: true;
      }>();
      await run({
        socketPath: options.socket,
        isJson: options.json === true,
        isEffective: options.effective === true,
        into: options.into,
      });
    });
  withExamples(command, [
    "tlsd export > director.yaml",
    "tlsd export --into /etc/tlsd/director.yaml && tlsd reload",
  ]);
}
