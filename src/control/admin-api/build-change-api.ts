import { createHmac, randomBytes, randomUUID } from "node:crypto";
import type { DirectorSettings } from "#model/document/document.ts";
import type { FingerprintOf } from "#model/document/secrets.ts";
import { DirectorError } from "#model/failure.ts";
import type { Wants } from "#control/change/wants.ts";
import type { DirectorView } from "#control/director-view.ts";
import type { DocumentStore } from "#control/state/document-store.ts";
import { ChangeApi, type Changes } from "./change-api.ts";
import { ShownDocument } from "./shown-document.ts";

export interface BuildParts {
  readonly changes: Changes;
  readonly wants: Wants;
  readonly store: DocumentStore;
  readonly settings: DirectorSettings;
  readonly view: DirectorView;
}

/** The key of fingerprints is that of the store, so that a fingerprint stays valid when the director is started again. */
export async function buildChangeApi(parts: BuildParts): Promise<ChangeApi> {
  const { changes, wants, store, settings, view } = parts;
  const storeId = await orElse(store.id(), randomUUID);
  const key = await orElse(store.secretKey(), () => randomBytes(32));
  const fingerprintOf: FingerprintOf = (secret) =>
    `secret:hmac-sha256:${createHmac("sha256", key).update(secret).digest("base64url").slice(0, 22)}`;
  const shown = new ShownDocument(fingerprintOf, settings);
  const openConnections = view.openConnections;
  return new ChangeApi({ changes, wants, store, storeId, fingerprintOf, shown, openConnections });
}

/** If the storage fails, another value is used until the next start. */
async function orElse<Value>(known: Promise<Value>, make: () => Value): Promise<Value> {
  try {
    return await known;
  } catch (error) {
    if (error instanceof DirectorError && error.code === "state-unwritable") return make();
    throw error;
  }
}
