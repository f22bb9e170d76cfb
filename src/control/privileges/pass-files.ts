import { closeSync, constants, fstatSync, openSync } from "node:fs";

/** The descriptors that /bin/sh may use in a redirection have one digit, and programs expect the lowest in other roles. */
const DESCRIPTORS = [9, 8, 7, 6];
/** The variable that tells the program which descriptors it has. It has no value but in the process that it was made for. */
const VARIABLE = "TLSD_PASSED_FILES";

/** A way to start a program that has files open, whatever its user may read. */
export interface PassedFiles {
  /** Commands of a shell that end in the start of the program in `"$@"`. */
  readonly script: string;
  /** What precedes the command of the program in `"$@"`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Called as root, which may read every file: passes those of `paths` that are regular files. Node closes its own descriptors at an
 * exec, so the shell opens them. `pid` is that of the process, which an exec keeps.
 */
export function passFiles(paths: readonly string[], pid: number): PassedFiles {
  const files: Passed["files"] = [...new Set(paths)]
    .filter(isReadable)
    .slice(0, DESCRIPTORS.length)
    .map((path, at) => [path, DESCRIPTORS[at] ?? 0] as const);
  const opening = files.map(([, descriptor]) => `exec ${descriptor}<"$1"; shift; `).join("");
  return {
    script: `${opening}exec "$@"`,
    args: files.map(([path]) => path),
    env: files.length === 0 ? {} : { [VARIABLE]: JSON.stringify({ pid, files }) },
  };
}

/**
 * Returns the descriptors that `passFiles` has passed to this process, by path, and removes the variable that told of them. The
 * caller closes them.
 */
export function takePassedFiles(
  env: Record<string, string | undefined>,
  pid: number,
): ReadonlyMap<string, number> {
  const text = env[VARIABLE];
  Reflect.deleteProperty(env, VARIABLE);
  const passed = tryPassed(text ?? "");
  return new Map(passed?.pid === pid ? passed.files : []);
}

interface Passed {
  readonly pid: number;
  readonly files: readonly (readonly [string, number])[];
}

function tryPassed(text: string): Passed | undefined {
  try {
    return JSON.parse(text) as Passed;
  } catch {
    return undefined;
  }
}

/** Without O_NONBLOCK, opening a named pipe waits for its writer. */
function isReadable(path: string): boolean {
  try {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return fstatSync(descriptor).isFile();
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // The control process finds out why the file cannot be used.
    return false;
  }
}
