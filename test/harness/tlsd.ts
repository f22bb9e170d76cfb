import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import {
  runToExit,
  startProcess,
  type ProcessOptions,
  type ProcessResult,
  type RunOptions,
  type RunningProcess,
} from "./child-process.ts";
import type { Engine } from "./engines.ts";
import { makeTempFolder, writeFiles, type FileContents } from "./temp-folder.ts";

export const projectFolder = fileURLToPath(new URL("../..", import.meta.url));
/** The main file of the program: that of the joined sources, if test/run.ts has made them, else that of the sources. */
export const ownProgram = process.env["TLSD_TEST_PROGRAM"] ?? join(projectFolder, "src/main.ts");

export interface LaunchOptions {
  /** The start of the command line, e.g. `["setpriv", "--reuid=1", "--"]`. It must exec the program: the pid stays. */
  readonly prefix?: readonly string[];
  /** main.ts of a copy of the program. */
  readonly program?: string;
  /** Flags of the Node that runs the program. */
  readonly nodeFlags?: readonly string[];
}

/** Runs a command of `tlsd` to its end. */
export function runTlsd(
  args: readonly string[],
  options: RunOptions & LaunchOptions = {},
): Promise<ProcessResult> {
  const [command, ...rest] = commandOf(args, options);
  return runToExit(command, rest, options);
}

export function startTlsd(
  args: readonly string[],
  options: ProcessOptions & LaunchOptions = {},
): Promise<RunningProcess> {
  const [command, ...rest] = commandOf(args, options);
  return startProcess(command, rest, options);
}

function commandOf(
  args: readonly string[],
  { prefix = [], program = ownProgram, nodeFlags = [] }: LaunchOptions,
): [string, ...string[]] {
  const own = [process.execPath, ...nodeFlags, program, ...args];
  const [command = process.execPath, ...rest] = [...prefix, ...own];
  return [command, ...rest];
}

export interface ServeOptions extends LaunchOptions {
  /** The document; text is written as it is. Relative paths in it are from the director's folder. */
  readonly document: object | string;
  readonly engine: Engine;
  /** Two, unless told: enough to see what differs between workers. */
  readonly workers?: number;
  /** Whether `prefix` sends the log to where the harness does not see it. */
  readonly logsElsewhere?: boolean;
  readonly extraArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Written below the director's folder before it starts. */
  readonly files?: FileContents;
  /** An existing folder, e.g. that of an earlier director with its data. The default is a new folder. */
  readonly folder?: string;
}

export interface ServeLayout {
  readonly folder: string;
  readonly documentPath: string;
  readonly dataPath: string;
  readonly args: readonly string[];
}

/** A folder with the document and the files in it, and the command line that serves it. */
export async function prepareServe(options: ServeOptions): Promise<ServeLayout> {
  const folder = options.folder ?? (await makeTempFolder());
  const documentPath = join(folder, "director.yaml");
  const dataPath = join(folder, "data");
  await writeFiles(folder, {
    ...options.files,
    "director.yaml": documentText(options.document),
  });
  const args = [
    ...["serve", "--config", documentPath, "--data", dataPath],
    ...["--engine", options.engine, "--workers", String(options.workers ?? 2)],
    ...(options.extraArgs ?? []),
  ];
  return { folder, documentPath, dataPath, args };
}

/** The endpoints of tests are on loopback, and changes over the API add some of them. */
const loopback = { allow: ["127.0.0.0/8", "::1"] };

export function documentText(document: object | string): string {
  if (typeof document === "string") return document;
  const { director = {} }: { readonly director?: unknown } = document;
  if (Array.isArray(document) || typeof director !== "object") return stringify(document);
  return stringify({ ...document, director: { endpoints: loopback, ...director } });
}
