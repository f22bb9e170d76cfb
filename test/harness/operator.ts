import { readFile } from "node:fs/promises";
import { PassThrough } from "node:stream";
import type { Command } from "commander";
import { authorOf } from "#cli/author.ts";
import { buildProgram, printTo } from "#cli/build-program.ts";
import { changeRunsOf } from "#cli/change-runs.ts";
import { reportFailure } from "#cli/report-failure.ts";
import { runFailback } from "#cli/run-failback.ts";
import { runWait } from "#cli/run-wait.ts";
import { settingsOf } from "#cli/settings/setting-schema.ts";
import { runShow } from "#cli/show/run-show.ts";
import { StandardOutput } from "#cli/standard-output.ts";
import type { Terminal } from "#cli/terminal.ts";
import { parseYamlFile, tryReadYamlFile } from "#control/read-yaml-file.ts";
import { chunksOfFile, restoreData } from "#control/state/backup/restore-data.ts";

export interface OperatorOptions {
  readonly socketPath: string;
  /** The folder of relative paths. */
  readonly folder: string;
}

export interface CommandInput {
  /** What standard input has. */
  readonly input?: string;
  /** What the editor does with the file. Resolves to its exit code. */
  readonly editor?: (path: string) => Promise<number>;
  /** What is answered on the terminal, the first answer first. Without it there is no terminal. */
  readonly answers?: readonly boolean[];
  /** What is typed on the terminal when a passphrase is asked for. Without it there is no terminal. */
  readonly secret?: string;
  /** SUDO_USER of the environment. */
  readonly sudoUser?: string;
}

export interface CommandOutput {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs commands of `tlsd` as the program does, but in the process of the test: a process for each command would take most of the
 * time of a test.
 */
export class Operator {
  readonly #options: OperatorOptions;

  constructor(options: OperatorOptions) {
    this.#options = options;
  }

  async run(args: readonly string[], given: CommandInput = {}): Promise<CommandOutput> {
    const printed = { out: "", err: "" };
    const terminal: Terminal = {
      isInteractive: false,
      out: (text) => {
        printed.out += text;
      },
      err: (text) => {
        printed.err += text;
      },
    };
    let code = 0;
    const program = this.#program(terminal, given, (own) => {
      code = own;
    });
    printTo(program, terminal);
    const socket = args[0] === "restore" ? [] : ["--socket", this.#options.socketPath];
    try {
      await program.parseAsync([...args, ...socket], { from: "user" });
    } catch (error) {
      code = Math.max(code, reportFailure(terminal, error, args.includes("--json")));
    }
    return { code, ...printed };
  }

  #program(terminal: Terminal, given: CommandInput, exitWith: (code: number) => void): Command {
    const { folder } = this.#options;
    const { input = "", editor = () => Promise.resolve(1), answers, sudoUser, secret } = given;
    const left = [...(answers ?? [])];
    const none = (): Promise<never> => Promise.reject(new Error("It needs a process of its own."));
    const readInput = (path: string): Promise<Uint8Array> =>
      path === "-" ? Promise.resolve(Buffer.from(input)) : readFile(path);
    const output = new PassThrough().setEncoding("utf8").on("data", (text: string) => {
      terminal.out(text);
    });
    return buildProgram("0.0.0", "director.yaml", {
      serve: none,
      demo: none,
      check: none,
      schema: none,
      cut: none,
      doctor: none,
      completion: none,
      complete: none,
      show: (request) => runShow(request, terminal, AbortSignal.timeout(1)),
      failback: (request) => runFailback(request, terminal),
      wait: (request) => runWait(request, terminal),
      ...changeRunsOf({
        context: () => Promise.resolve({ terminal, author: authorOf(sudoUser) }),
        file: () =>
          Promise.resolve({
            ...{ parse: parseYamlFile, tryReadFile: tryReadYamlFile, readInput, folder },
          }),
        input: { readInput, folder },
        askSecret: secret === undefined ? undefined : () => Promise.resolve(secret),
        edit: {
          openEditor: editor,
          ask: answers === undefined ? undefined : () => Promise.resolve(left.shift() ?? false),
        },
        output: new StandardOutput(output),
        restore: ({ path, ...target }) => restoreData(chunksOfFile(path), target, "0.0.0"),
        exitWith,
      }),
      settingsOf,
    });
  }
}
