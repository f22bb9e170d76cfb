import assert from "node:assert/strict";
import { DocumentSecrets } from "#control/sealing/document-secrets.ts";

/** For a store of documents that have no secrets. */
export const noSecrets = new DocumentSecrets({
  textKey: () => assert.fail("A secret is to be sealed."),
  tryTextKey: () => Promise.resolve(undefined),
});
