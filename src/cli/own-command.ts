import { realpathSync } from "node:fs";
import { delimiter, isAbsolute, join, relative } from "node:path";

/**
 * Returns the command that starts this program in another terminal, in `folder`: `tlsd` if a `tlsd` in `path`, the PATH, is
 * `launcher`, otherwise the path of the launcher. The path is relative if the launcher is below the folder. It never returns an npx
 * command: if npx does not find the program, it installs a package of the same name from a registry, which is another program.
 */
export function ownCommandOf(launcher: string, path: string, folder: string): string {
  const isOnPath = path.split(delimiter).some(
    (bin) =>
      isAbsolute(bin) &&
      // npm and npx add such folders to the PATH of their child processes only.
      !bin.endsWith("/node_modules/.bin") &&
      tryRealpath(join(bin, "tlsd")) === launcher,
  );
  if (isOnPath) return "tlsd";
  const below = relative(folder, launcher);
  return quotedForShell(below.startsWith("..") ? launcher : below);
}

/** Quotes a path for a POSIX shell. */
const quotedForShell = (path: string): string =>
  /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;

function tryRealpath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
