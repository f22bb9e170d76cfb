import type { DirectorSettings } from "#model/document/document.ts";
import { documentRefusal } from "../check-file.ts";
import type { EventBus } from "../event-bus.ts";
import { readDocument } from "../read-document.ts";
import type { MaterialReader } from "../reader/material-reader.ts";
import { keyPlacesOf, type Surroundings } from "./key-places.ts";
import type { MasterKeyChange, SealedKeys } from "./sealed-keys.ts";

export interface MasterKeyChangeParts {
  readonly sealedKeys: SealedKeys;
  /** Undefined if the director has no file of the document. The settings of the start are used then. */
  readonly configPath: string | undefined;
  readonly settings: DirectorSettings;
  readonly surroundings: Surroundings;
  readonly reader: MaterialReader;
  readonly bus: EventBus;
}

/** Changes to the master key that the file of the document names now. Rejects with DirectorError. */
export async function changeMasterKey(parts: MasterKeyChangeParts): Promise<MasterKeyChange> {
  const { sealedKeys, configPath, reader, surroundings, bus } = parts;
  const settings = configPath === undefined ? parts.settings : await settingsIn(configPath, reader);
  const change = await sealedKeys.changeMasterKey(keyPlacesOf(settings, surroundings));
  bus.publish({ name: "master-key-set", ...change });
  return change;
}

async function settingsIn(path: string, reader: MaterialReader): Promise<DirectorSettings> {
  const { document, problems } = await readDocument(path, reader, true);
  if (document === undefined) throw documentRefusal(problems, path);
  return document.director;
}
