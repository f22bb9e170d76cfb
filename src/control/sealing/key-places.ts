import { basename, dirname, join, resolve } from "node:path";
import type { DirectorSettings } from "#model/document/document.ts";

/** Where a master key is. Paths are absolute. */
export type KeyPlace =
  | { readonly kind: "file"; readonly path: string }
  /** `path` is undefined if systemd passes no credentials to the director. */
  | { readonly kind: "credential"; readonly name: string; readonly path: string | undefined }
  /** A program, whose standard output is the key, and its arguments. */
  | { readonly kind: "command"; readonly command: readonly string[] };

/** Where the master key is and, while it is changed, the one before. */
export interface KeyPlaces {
  readonly current: KeyPlace;
  readonly previous: KeyPlace | undefined;
}

export interface Surroundings {
  /** The folder to which paths in the document are relative. */
  readonly folder: string;
  /** The data folder. */
  readonly dataPath: string;
  /** The value of CREDENTIALS_DIRECTORY (systemd.exec(5)). */
  readonly credentialsFolder: string | undefined;
}

/**
 * By default, the key is in a folder beside the data folder. A copy of the data folder alone opens no key, and the user of the
 * director may create the file.
 */
export function keyPlacesOf(
  { masterKey, previousMasterKey }: DirectorSettings,
  surroundings: Surroundings,
): KeyPlaces {
  const path = join(keyFolderOf(surroundings.dataPath), "master.key");
  return {
    current: placeOf(masterKey, surroundings) ?? { kind: "file", path },
    previous: placeOf(previousMasterKey, surroundings),
  };
}

/** Returns the folder of the master key that no setting places elsewhere. */
export const keyFolderOf = (dataPath: string): string =>
  join(dirname(dataPath), `${basename(dataPath)}-key`);

/** Returns the files that root opens for a control process that may not read them. */
export const keyFilesOf = ({ current, previous }: KeyPlaces): readonly string[] =>
  [current, previous].flatMap((place) =>
    place === undefined || place.kind === "command" || place.path === undefined ? [] : [place.path],
  );

/** Returns words for sentences. The arguments of a command may be secrets. */
export function textOfPlace(place: KeyPlace): string {
  switch (place.kind) {
    case "file":
      return `the file ${place.path}`;
    case "credential":
      return `the credential ${place.name}`;
    case "command":
      return `the command ${place.command[0] ?? ""}`;
    default:
      return place satisfies never;
  }
}

function placeOf(
  setting: DirectorSettings["masterKey"],
  { folder, credentialsFolder }: Surroundings,
): KeyPlace | undefined {
  if (setting?.file !== undefined) return { kind: "file", path: resolve(folder, setting.file) };
  if (setting?.command !== undefined) return { kind: "command", command: setting.command };
  if (setting?.credential === undefined) return undefined;
  const name = setting.credential;
  const path = credentialsFolder === undefined ? undefined : join(credentialsFolder, name);
  return { kind: "credential", name, path };
}
