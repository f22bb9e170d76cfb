import { Option, type Command } from "commander";
import { LOG_LEVELS } from "#model/log-level.ts";
import { integerOption, withExamples } from "./command-options.ts";

export interface ServeRequest {
  /** Undefined if the director serves the document of its store. */
  readonly configPath: string | undefined;
  /** Whether the file is applied even if the store has changes that it does not have. */
  readonly appliesFile: boolean;
  /** If one of the next four is undefined, the setting of the document is used. */
  readonly dataPath: string | undefined;
  readonly runtimePath: string | undefined;
  readonly workers: number | "auto" | undefined;
  readonly engine: "bun" | "node" | "auto" | undefined;
  readonly logLevel: string;
  readonly isJson: boolean;
}

interface ServeOptions {
  readonly config?: string;
  readonly applyFile?: true;
  readonly data?: string;
  readonly runtime?: string;
  readonly workers?: number | "auto";
  readonly engine?: "bun" | "node" | "auto";
  readonly logLevel: string;
  readonly json?: true;
}

const MAX_WORKERS = 64;

/** Adds `tlsd serve`. */
export function addServe(program: Command, run: (request: ServeRequest) => Promise<void>): void {
  const command = program.command("serve").description("run a director in the foreground");
  command.option(
    "--apply-file",
    "apply the file at the start even if the document was changed by other means since the file was last applied",
  );
  addServeOptions(command, undefined, run);
  command.addHelpText(
    "after",
    [
      "",
      "Signals: SIGHUP reads the document again and applies the differences. SIGTERM or SIGINT",
      "waits up to director.drain for connections to end, and exits; a second signal exits",
      "immediately. SIGUSR2 replaces the workers.",
    ].join("\n"),
  );
  withExamples(command, [
    "tlsd serve --config /etc/tlsd/director.yaml --data /var/lib/tlsd",
    "tlsd serve --workers 2 --engine node --log-level debug",
  ]);
}

/** Adds `tlsd demo`: `serve` with the demo document, its certificates and two small endpoints. */
export function addDemo(
  program: Command,
  demoDocument: string,
  run: (request: ServeRequest) => Promise<void>,
): void {
  const command = program
    .command("demo")
    .description(
      "run a demo: a document with two virtual IPs, new certificates and two small endpoints",
    );
  addServeOptions(command, demoDocument, run);
  withExamples(command, ["tlsd demo", "tlsd demo --engine node"]);
}

function addServeOptions(
  command: Command,
  configDefault: string | undefined,
  run: (request: ServeRequest) => Promise<void>,
): void {
  command
    .option(
      "--config <file>",
      configDefault === undefined
        ? "the document, YAML or JSON (default: the document of the state in the data folder)"
        : "the document, YAML or JSON",
      configDefault,
    )
    .option("--data <folder>", "folder for state, admin socket and lock (default: director.data)")
    .option("--runtime <folder>", "folder for admin socket and lock, if it is not the data folder")
    .addOption(
      integerOption(
        "--workers <count>",
        "number of worker processes, or auto for one per core",
        1,
        MAX_WORKERS,
        ["auto"],
      ),
    )
    .addOption(
      new Option("--engine <engine>", "runtime of the workers").choices(["bun", "node", "auto"]),
    )
    .addOption(
      new Option("--log-level <level>", "lowest level that is logged")
        .choices(LOG_LEVELS)
        .default("info"),
    )
    .addOption(new Option("--json", "log JSON lines even on a terminal"))
    .action(async () => {
      const options = command.opts<ServeOptions>();
      await run({
        configPath: options.config,
        appliesFile: options.applyFile === true,
        dataPath: options.data,
        runtimePath: options.runtime,
        workers: options.workers,
        engine: options.engine,
        logLevel: options.logLevel,
        isJson: options.json === true,
      });
    });
}
