import { realpathSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/**
 * How this program is called in another terminal: `tlsd` if `path`, the PATH, leads to `launcher`, else the launcher's own
 * path. Never by npx: where npx does not find the program, it asks a registry for a package of that name, which is not ours.
 */
export function ownCommandOf(launcher: string, path: string): string {
  const isOnPath = path.split(delimiter).some(
    (folder) =>
      isAbsolute(folder) &&
      // npm and npx put such folders on the PATH of what they run; the other terminal does not have them.
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
