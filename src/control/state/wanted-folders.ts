import { join, resolve } from "node:path";
import type { DirectorSettings } from "#model/document/document.ts";

/** All paths are absolute. */
export interface WantedFolders {
  /** Of the state. */
  readonly dataPath: string;
  /** Of admin socket, lock and record of workers. Undefined: the data folder. */
  readonly runtimePath: string | undefined;
  /** Tried in turn in place of a data folder that cannot be written to. */
  readonly fallbacks: readonly string[];
}

/** From the command line, relative to the current folder, or else from the document, relative to `folder`. */
export function wantedFoldersOf(
  options: { readonly dataPath: string | undefined; readonly runtimePath: string | undefined },
  { data, runtime }: DirectorSettings,
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): WantedFolders {
  // systemd.exec(5): RUNTIME_DIRECTORY may be several, with colons between them.
  const [runtimeDirectory = ""] = env["RUNTIME_DIRECTORY"]?.split(":") ?? [];
  const xdgFolder = env["XDG_RUNTIME_DIR"] ?? "";
  const documentRuntime = runtime === undefined ? undefined : resolve(folder, runtime);
  return {
    dataPath: resolve(options.dataPath ?? resolve(folder, data)),
    runtimePath: options.runtimePath === undefined ? documentRuntime : resolve(options.runtimePath),
    fallbacks: [
      ...(runtimeDirectory === "" ? [] : [resolve(runtimeDirectory)]),
      ...(xdgFolder === "" ? [] : [join(resolve(xdgFolder), "tlsd")]),
      "/run/tlsd",
    ],
  };
}

/** Every folder that may hold the director's state or its admin socket. */
export const ownFoldersOf = ({
  dataPath,
  runtimePath,
  fallbacks,
}: WantedFolders): readonly string[] => [
  dataPath,
  ...(runtimePath === undefined ? [] : [runtimePath]),
  ...fallbacks,
];
