import { Option, type Command } from "commander";
import { durationOption, jsonOption, socketOption, withExamples } from "./command-options.ts";

export interface BackupRequest {
  /** `-` is standard output. */
  readonly path: string;
  readonly socketPath: string;
  readonly timeoutMs: number;
  readonly isJson: boolean;
}

export interface RestoreRequest {
  /** `-` is standard input. */
  readonly path: string;
  /** One of both is set. */
  readonly dataPath: string | undefined;
  readonly configPath: string | undefined;
  readonly isJson: boolean;
}

export interface BackupRuns {
  readonly backup: (request: BackupRequest) => Promise<void>;
  readonly restore: (request: RestoreRequest) => Promise<void>;
}

/** Adds `tlsd backup` and `tlsd restore`. */
export function addBackupCommands(program: Command, runs: BackupRuns): void {
  const backup = program
    .command("backup")
    .description("save the state of a running director, with its history, in a file")
    .argument("<file>", "a new file, or one to replace; - is standard output")
    .addOption(socketOption())
    .addOption(durationOption("--timeout <duration>", "how long it may take", "5m"))
    .addOption(jsonOption())
    .action(async (path: string) => {
      const options = backup.opts<{
        readonly socket: string;
        readonly timeout: number;
        readonly json?: true;
      }>();
      await runs.backup({
        path,
        socketPath: options.socket,
        timeoutMs: options.timeout,
        isJson: options.json === true,
      });
    });
  backup.addHelpText(
    "after",
    "\nOnly its owner may read the file. Private keys and passphrases in it are sealed. The master key is not in it.",
  );
  withExamples(backup, ["tlsd backup tlsd.backup", "tlsd backup - | gzip > tlsd.backup.gz"]);

  const restore = program
    .command("restore")
    .description("replace the state in a data folder by a backup; no director may use the folder")
    .argument("<file>", "the file of `tlsd backup`; - is standard input")
    .option("--data <folder>", "the data folder")
    .addOption(
      new Option(
        "--config <file>",
        "the document whose `director.data` is the data folder",
      ).conflicts("data"),
    )
    .addOption(jsonOption())
    .action(async (path: string) => {
      const { data, config, json } = restore.opts<{
        readonly data?: string;
        readonly config?: string;
        readonly json?: true;
      }>();
      if (data === undefined && config === undefined) {
        restore.error("error: name the data folder with --data or --config.");
      }
      await runs.restore({ path, dataPath: data, configPath: config, isJson: json === true });
    });
  withExamples(restore, [
    "tlsd restore tlsd.backup --data /var/lib/tlsd",
    "gunzip < tlsd.backup.gz | tlsd restore - --config /etc/tlsd/director.yaml",
  ]);
}
