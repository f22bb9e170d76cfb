import assert from "node:assert/strict";
import { join } from "node:path";
import { it } from "node:test";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { certificateOf } from "#harness/sample-sources.ts";
import { filesOf, SealedStore } from "#harness/sealed-store.ts";
import { HeldKey } from "../certificates/held-key.ts";
import type { CertificateVersion } from "../certificates/sources.ts";
import { MemoryStore } from "../state/memory-store.ts";
import { Inventory } from "./inventory.ts";
import { VersionDraft } from "./version-draft.ts";

const origin = { by: { origin: "socket" as const }, at: "2026-01-01T00:00:00Z", from: "a test" };

function versionWith(key: HeldKey): CertificateVersion {
  const version = certificateOf("shop");
  return { ...version, material: { ...version.material, key } };
}

it("the key of a version is held sealed from its save on, and each use opens it", async () => {
  const folder = await makeTempFolder();
  const { store, keys } = await SealedStore.on(new MemoryStore(), filesOf(join(folder, "a.key")));
  let opened = 0;
  const sealedKeys = {
    open: keys.open.bind(keys),
    save: keys.save.bind(keys),
    canOpen: true,
    hold: (...args: Parameters<typeof keys.hold>) => {
      const open = keys.hold(...args);
      return () => {
        opened += 1;
        return open();
      };
    },
  };
  const inventory = new Inventory({ store, sealedKeys, program: "0.2.0" });
  const key = HeldKey.clear("the key");
  const draft = new VersionDraft(inventory);
  const read = { version: versionWith(key), warnings: [] };
  const { id } = draft.stage("shop", read, origin, [], {});
  draft.activate("shop", id, read, origin.at);
  assert.equal(key.open(), "the key");
  assert.equal(opened, 0);
  assert.ok(await inventory.save(draft.change));
  assert.equal(key.open(), "the key");
  assert.equal(opened, 1);
  assert.equal(key.length, "the key".length);

  // The same files that are read again are held as the version that is saved.
  const again = new VersionDraft(inventory);
  const other = HeldKey.clear("the key");
  again.activate("shop", id, { ...read, version: versionWith(other) }, origin.at);
  assert.equal(other.open(), "the key");
  assert.equal(opened, 2);
});
