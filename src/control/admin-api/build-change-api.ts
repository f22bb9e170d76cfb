import { randomUUID } from "node:crypto";
import type { DirectorSettings } from "#model/document/document.ts";
import { DirectorError } from "#model/failure.ts";
import type { Wants } from "#control/change/wants.ts";
import type { DirectorView } from "#control/director-view.ts";
import { fingerprintWith } from "#control/secret-fingerprint.ts";
import type { DocumentStore } from "#control/state/document-store.ts";
import { ChangeApi, type ChangeApiParts, type Changes } from "./change-api.ts";
import { ShownDocument } from "./shown-document.ts";

export interface BuildParts {
  readonly changes: Changes;
  readonly wants: Wants;
  readonly store: DocumentStore;
  /** The key of fingerprints. */
  readonly secretKey: Buffer;
  readonly settings: DirectorSettings;
  readonly view: DirectorView;
  readonly backup: ChangeApiParts["backup"];
}

export async function buildChangeApi(parts: BuildParts): Promise<ChangeApi> {
  const { changes, wants, store, secretKey, settings, view, backup } = parts;
  const storeId = await tryId(store);
  const fingerprintOf = fingerprintWith(secretKey);
  const shown = new ShownDocument(fingerprintOf, settings);
  return new ChangeApi({
    ...{ changes, wants, store, storeId, fingerprintOf, shown, backup },
    fullHandshakes: (listener) => view.fullHandshakes(listener),
    openConnections: (listener) => view.openConnections(listener),
  });
}

/** If the storage fails, another id is used until the next start. */
async function tryId(store: DocumentStore): Promise<string> {
  try {
    return await store.id();
  } catch (error) {
    if (error instanceof DirectorError && error.code === "state-unwritable") return randomUUID();
    throw error;
  }
}
