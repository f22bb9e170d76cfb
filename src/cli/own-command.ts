import { realpathSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/**
 * Returns how to call this program in another terminal: `tlsd` if `path`, the PATH, leads to `launcher`, otherwise the path of
 * the launcher. It never uses npx: if npx does not find the program, it asks a registry for a package of that name, which
 * belongs to somebody else.
 */
export function ownCommandOf(launcher: string, path: string): string {
  const isOnPath = path.split(delimiter).some(
    (folder) =>
      isAbsolute(folder) &&
      // npm and npx add such folders to the PATH of their child processes only.
      !folder.endsWith("/node_modules/.bin") &&
      tryRealpath(join(folder, "tlsd")) === launcher,
  );
  return isOnPath ? "tlsd" : quotedForShell(launcher);
}

/** For a POSIX shell. */
const quotedForShell = (path: string): string =>
  /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;

function tryRealpath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
