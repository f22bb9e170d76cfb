import { join, resolve } from "node:path";
import type { DirectorSettings } from "#model/document/document.ts";

/** All paths are absolute. */
export interface WantedFolders {
  /** The folder of the saved state. */
  readonly dataPath: string;
  /** The folder of admin socket, lock and record of workers. If it is undefined, they are in the data folder. */
  readonly runtimePath: string | undefined;
  /** Folders that are tried in this order if the data folder cannot be written to. */
  readonly fallbacks: readonly string[];
}

/**
 * The command line has precedence over the document. Its paths are relative to the current folder, those of the document to
 * `folder`.
 */
export function wantedFoldersOf(
  options: { readonly dataPath: string | undefined; readonly runtimePath: string | undefined },
  { data, runtime }: DirectorSettings,
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): WantedFolders {
  // RUNTIME_DIRECTORY may contain several folders, separated by colons (systemd.exec(5)).
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

/** Returns every folder that may contain the state or the admin socket. */
export const ownFoldersOf = ({
  dataPath,
  runtimePath,
  fallbacks,
}: WantedFolders): readonly string[] => [
  dataPath,
  ...(runtimePath === undefined ? [] : [runtimePath]),
  ...fallbacks,
];
