/** Paths of POSIX as text. Nothing here looks at the disk, so symlinks are not resolved. */

/**
 * Returns the absolute path without `.`, `..`, empty parts and a slash at its end. A relative path is from `folder`, which must
 * be absolute.
 */
export function absolutePathOf(folder: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${folder}/${path}`).split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** Whether the path is below the folder. Both must be in the form of `absolutePathOf`. */
export const isBelow = (path: string, folder: string): boolean =>
  path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
