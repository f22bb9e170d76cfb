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
const program = join(projectFolder, "src/main.ts");

/** Runs a command of `tlsd` to its end. */
export function runTlsd(args: readonly string[], options: RunOptions = {}): Promise<ProcessResult> {
  return runToExit(process.execPath, [program, ...args], options);
}

export function startTlsd(
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<RunningProcess> {
  return startProcess(process.execPath, [program, ...args], options);
}

export interface ServeOptions {
  /** The document; text is written as it is. Relative paths in it are from the director's folder. */
  readonly document: object | string;
  readonly engine: Engine;
  /** Two, unless told: enough to see what differs between workers. */
  readonly workers?: number;
  readonly extraArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Written below the director's folder before it starts. */
  readonly files?: FileContents;
}

export interface ServeLayout {
  readonly folder: string;
  readonly documentPath: string;
  readonly dataPath: string;
  readonly args: readonly string[];
}

/** A folder with the document and the files in it, and the command line that serves it. */
export async function prepareServe(options: ServeOptions): Promise<ServeLayout> {
  const folder = await makeTempFolder();
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

export function documentText(document: object | string): string {
  return typeof document === "string" ? document : stringify(document);
}
