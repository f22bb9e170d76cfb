import { readlink, realpath } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";

/** The kernel follows at most this many symlinks (path_resolution(7)). */
const MAX_SYMLINKS = 40;

/**
 * Returns the path without symlinks. Where a part of the path does not exist or cannot be searched, the rest is taken as it is,
 * so that the result does not depend on what exists behind a symlink. `path` must be absolute.
 */
export async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    return followSymlinks(path);
  }
}

async function followSymlinks(path: string): Promise<string> {
  let rest = partsOf(path);
  let real = "/";
  let followed = 0;
  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    const next = resolve(real, part);
    const target = followed < MAX_SYMLINKS ? await tryLink(next) : undefined;
    if (target === undefined) {
      real = next;
      continue;
    }
    followed += 1;
    rest = [...partsOf(target), ...rest];
    if (isAbsolute(target)) real = "/";
  }
  return real;
}

const partsOf = (path: string): string[] => path.split("/").filter((part) => part !== "");

async function tryLink(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch {
    return undefined;
  }
}

/** Returns the path of an open file. Throws if /proc does not show it. */
export const pathOfDescriptor = (descriptor: number): Promise<string> =>
  readlink(join("/proc/self/fd", String(descriptor)));

/** Returns the folders without symlinks. */
export const realFoldersOf = (folders: readonly string[]): Promise<readonly string[]> =>
  Promise.all(folders.map(realPathOf));
