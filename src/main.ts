/** Parses the command line and runs a command. */
import { createReadStream, readFileSync } from "node:fs";
import { Socket } from "node:net";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { isatty } from "node:tty";
import { authorOf } from "#cli/author.ts";
import { buildProgram, printTo } from "#cli/build-program.ts";
import { changeRunsOf } from "#cli/change-runs.ts";
import type { RestoreRequest } from "#cli/commands/backup.ts";
import { DEFAULT_SOCKET } from "#cli/commands/command-options.ts";
import type { ServeRequest } from "#cli/commands/serve.ts";
import { ownCommandOf } from "#cli/own-command.ts";
import { failureShapeOf, printFailure, printTrace } from "#cli/print-failure.ts";
import { reportFailure } from "#cli/report-failure.ts";
import type { RestoredState } from "#cli/run-restore.ts";
import type { FileParts } from "#cli/read-document-file.ts";
import type { ChangeContext } from "#cli/send-change.ts";
import { StandardOutput, streamToFile } from "#cli/standard-output.ts";
import type { Terminal } from "#cli/terminal.ts";
import type { DemoOptions } from "#control/main.ts";
import { MAX_DOCUMENT_BYTES } from "#model/document/document-size.ts";
import type { DirectorSettings } from "#model/document/document.ts";
import { DirectorError } from "#model/failure.ts";

const WANTED_MAJOR = 26;
const LINGER_MS = 2_000;
const HELP_FLAGS = ["--help", "-h", "help"];
/** The folder that relative paths of the command line are relative to. */
const FOLDER = process.cwd();
const PROGRAM = resolve(import.meta.dirname, "..");
const LAUNCHER = join(PROGRAM, "src/tlsd.sh");
const DEMO_DOCUMENT = join(PROGRAM, "director.yaml");

const output = new StandardOutput(
  process.stdout instanceof Socket ? process.stdout : streamToFile(1),
);
// Nothing can be reported if standard error cannot be written.
process.stderr.on("error", () => undefined);
const terminal: Terminal = {
  isInteractive: process.stdout.isTTY,
  get columns() {
    return sizeOf(process.stdout.columns);
  },
  get rows() {
    return sizeOf(process.stdout.rows);
  },
  hasColours: {
    out: process.stdout.isTTY && process.stdout.hasColors(),
    err: process.stderr.isTTY && process.stderr.hasColors(),
  },
  out: (text) => output.print(text),
  err: (text) => void process.stderr.write(text),
};

if (Number.parseInt(process.versions.node, 10) < WANTED_MAJOR) {
  const launcher = "../src/tlsd.mjs";
  await import(launcher);
} else {
  process.exitCode = await run();
  // Handles that still keep the event loop alive are no longer needed.
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

async function run(): Promise<number> {
  let exitCode = 0;
  const settingsOf = HELP_FLAGS.some((flag) => process.argv.includes(flag))
    ? (await import("#cli/settings/setting-schema.ts")).settingsOf
    : undefined;
  const program = buildProgram(versionOfProgram(), demoDocumentPath(), {
    serve: async (request) => {
      exitCode = await startDirector(request);
    },
    demo: async (request) => {
      const isOwnDocument = request.configPath === demoDocumentPath();
      exitCode = await startDirector(request, {
        document: isOwnDocument ? DEMO_DOCUMENT : undefined,
        command: ownCommandOf(
          LAUNCHER,
          process.env["PATH"] ?? "",
          dirname(resolve(request.configPath ?? demoDocumentPath())),
        ),
      });
    },
    check: async (request) => {
      const reader = await startOwnReader();
      const { runCheck } = await import("#cli/run-check.ts");
      const { checkFile } = await import("#control/check-file.ts");
      const { LocalAddresses } = await import("#control/network/local-addresses.ts");
      const engines = await chooseEngines();
      const engineOf = (settings: DirectorSettings) => engines.tryOf(settings);
      const addresses = new LocalAddresses();
      const check = (path: string) =>
        checkFile(path, { kind: "check" }, { reader, engineOf, addresses });
      exitCode = (await runCheck(request, terminal, check)) ? 0 : 1;
    },
    schema: async () => {
      const { runSchema } = await import("#cli/run-schema.ts");
      runSchema(terminal);
    },
    show: async (request) => {
      const { runShow } = await import("#cli/show/run-show.ts");
      const signal = AbortSignal.any([interruption(), output.broken]);
      await runShow(request, terminal, signal);
    },
    cut: async (request) => {
      const { runCut } = await import("#cli/run-cut.ts");
      await runCut(request, terminal);
    },
    failback: async (request) => {
      const { runFailback } = await import("#cli/run-failback.ts");
      await runFailback(request, terminal);
    },
    doctor: async (request) => {
      const { runDoctor } = await import("#cli/run-doctor.ts");
      exitCode = (await runDoctor(request, terminal)) ? 0 : 1;
    },
    completion: async (shell) => {
      const { COMPLETION_SCRIPTS } = await import("#cli/completion/completion-scripts.ts");
      terminal.out(COMPLETION_SCRIPTS[shell]);
    },
    complete: async (words, described) => {
      const { runComplete } = await import("#cli/completion/run-complete.ts");
      const socketPath = process.env["TLSD_SOCKET"] ?? DEFAULT_SOCKET;
      await runComplete(described, words, socketPath, terminal);
    },
    wait: async (request) => {
      const { runWait } = await import("#cli/run-wait.ts");
      await runWait(request, terminal);
    },
    ...changeRunsOf({
      context: changeContext,
      file: fileParts,
      edit: { openEditor: ownEditor, ask: isatty(0) ? askOnTerminal : undefined },
      input: { readInput, folder: FOLDER },
      askSecret: isatty(0) ? askSecretOnTerminal : undefined,
      output,
      restore: restoreState,
      exitWith: (code) => {
        exitCode = code;
      },
    }),
    settingsOf,
  });
  printTo(program, terminal);
  try {
    await program.parseAsync();
  } catch (error) {
    if (!isOutputFailure(error)) {
      const code = reportFailure(terminal, error, process.argv.includes("--json"));
      exitCode = code === 0 ? 0 : Math.max(exitCode, code);
    }
  }
  return codeWithOutput(exitCode);
}

function isOutputFailure(error: unknown): boolean {
  return error instanceof DirectorError && error.code === "output-unwritable";
}

/** Resolves to the exit code of the program when its output has been written. */
async function codeWithOutput(exitCode: number): Promise<number> {
  try {
    await output.flush();
    return exitCode;
  } catch (error) {
    if (output.isClosed) return exitCode;
    printFailure(terminal, failureShapeOf(error), false);
    return Math.max(exitCode, 1);
  }
}

async function startDirector(request: ServeRequest, demo?: DemoOptions): Promise<number> {
  // So that `ps` and `pidof tlsd` find the program and not its runtime.
  process.title = "tlsd";
  // The reader process starts while this process loads the rest of the program.
  const reader = await startOwnReader();
  const { serve } = await import("#control/main.ts");
  return serve({ ...request, demo, reader });
}

async function chooseEngines() {
  const { EngineChoice } = await import("#control/serving-engine.ts");
  return new EngineChoice({
    wanted: undefined,
    nodeFile: process.execPath,
    arch: process.arch,
    env: process.env,
    onFault: (error) => printTrace(terminal, error),
  });
}

async function startOwnReader() {
  const { startReader } = await import("#control/reader/start-reader.ts");
  return startReader({
    nodeFile: process.execPath,
    env: process.env,
    onFault: (error) => printTrace(terminal, error),
  });
}

function changeContext(): Promise<ChangeContext> {
  return Promise.resolve({ terminal, author: authorOf(process.env["SUDO_USER"]) });
}

async function fileParts(): Promise<FileParts> {
  const files = await import("#control/read-yaml-file.ts");
  const { parseYamlFile: parse, tryReadYamlFile: tryReadFile } = files;
  return { parse, tryReadFile, readInput, folder: FOLDER };
}

/** Reads at most what a document may have, and one chunk more. */
async function readInput(path: string): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const stream = path === "-" ? process.stdin : createReadStream(path);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_DOCUMENT_BYTES) break;
  }
  return Buffer.concat(chunks);
}

async function ownEditor(path: string): Promise<number> {
  const { openEditor } = await import("#cli/open-editor.ts");
  const { VISUAL = "", EDITOR = "" } = process.env;
  // The terminal sends an interrupt to all of its processes, and this one is for the editor.
  const ignore = (): void => undefined;
  process.on("SIGINT", ignore);
  try {
    return await openEditor(VISUAL || EDITOR || "vi", path);
  } finally {
    process.off("SIGINT", ignore);
  }
}

async function askOnTerminal(question: string): Promise<boolean> {
  const { askYes } = await import("#cli/open-editor.ts");
  return askYes(question, process.stdin, process.stderr);
}

async function askSecretOnTerminal(question: string): Promise<string | undefined> {
  const { askSecret } = await import("#cli/import/ask-secret.ts");
  return askSecret(question, process.stdin, process.stderr);
}

async function restoreState({ path, ...target }: RestoreRequest): Promise<RestoredState> {
  const { chunksOfFile, restoreData } = await import("#control/state/backup/restore-data.ts");
  const chunks = path === "-" ? process.stdin : chunksOfFile(path);
  return restoreData(chunks, target, versionOfProgram());
}

/** A stream that is not a terminal has no size, and a terminal without a size reports 0. */
function sizeOf(size: number | undefined): number | undefined {
  return size === undefined || size <= 0 ? undefined : size;
}

function interruption(): AbortSignal {
  const abort = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => abort.abort());
  }
  return abort.signal;
}

/** The demo of an installed package uses a folder of the user, because the user may not be able to write to the package. */
function demoDocumentPath(): string {
  if (import.meta.filename.endsWith(".ts")) return DEMO_DOCUMENT;
  // Relative paths must be ignored (https://specifications.freedesktop.org/basedir-spec).
  const { XDG_DATA_HOME: data = "", HOME: home = "" } = process.env;
  const folder = [data, join(home, ".local/share")].find((path) => isAbsolute(path)) ?? "";
  return join(folder, "tlsd-demo/director.yaml");
}

function versionOfProgram(): string {
  const { version } = JSON.parse(readFileSync(join(PROGRAM, "package.json"), "utf8")) as {
    readonly version: string;
  };
  return version;
}
