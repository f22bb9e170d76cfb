import assert from "node:assert/strict";
import { join } from "node:path";
import { it } from "node:test";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { eventually } from "#harness/deadline.ts";
import { noSecrets } from "#harness/no-secrets.ts";
import { filesOf } from "#harness/sealed-store.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { HeldKey } from "../certificates/held-key.ts";
import { MasterKeys } from "../sealing/master-keys.ts";
import { SealedKeys } from "../sealing/sealed-keys.ts";
import { certificatesInHistory } from "../state/collection.ts";
import { MemoryStore } from "../state/memory-store.ts";
import { TreeDocumentStore } from "../state/tree-document-store.ts";
import { forgetVersions } from "./forget-versions.ts";
import { Inventory } from "./inventory.ts";
import { identityOf, type CertificateRecord, type VersionRecord } from "./version-record.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const program = "0.2.0";

const versionOf = (id: string, state: VersionRecord["state"], ageDays = 0): VersionRecord => ({
  ...{ id, state, from: "request", spki: "p".repeat(43) },
  by: { origin: "socket" },
  at: new Date(Date.now() - ageDays * DAY_MS).toISOString(),
});

const recordOf = (...versions: readonly VersionRecord[]): CertificateRecord => ({
  nextVersion: versions.length + 1,
  versions,
});

const documentOf = (...names: readonly string[]): WrittenDocument => ({
  certificates: Object.fromEntries(names.map((name) => [name, { source: "inventory" }])),
});

/** Notes what is erased. */
class WatchedStore extends MemoryStore {
  readonly erased: string[] = [];

  override async erase(values: readonly string[]): Promise<void> {
    this.erased.push(...values);
    await super.erase(values);
  }
}

it("versions of a certificate go with the last revision that names it, and their keys with them", async (test) => {
  test.mock.timers.enable({ apis: ["setInterval"] });
  const folder = await makeTempFolder();
  const store = new WatchedStore();
  const masterKeys = await MasterKeys.read(filesOf(join(folder, "keys", "master.key")));
  const notices = { raise: () => undefined, clear: () => undefined };
  const sealedKeys = new SealedKeys({ store, program, masterKeys, notices });
  const inventory = new Inventory({ store, program, sealedKeys });
  let inForce: readonly string[] = ["kept"];
  const documents = new TreeDocumentStore({
    ...{ store, folder, program, secrets: noSecrets, kept: { revisions: 2, days: 400 } },
    onForgotten: () =>
      forgetVersions(
        {
          inventory,
          namesInForce: () => inForce,
          namesInHistory: () => certificatesInHistory(store),
          inTurn: (work) => work(),
        },
        Date.now(),
      ),
  });
  let parent = 0;
  const save = async (document: WrittenDocument, file?: WrittenDocument): Promise<void> => {
    const rest = file === undefined ? {} : { file };
    const by = { origin: "socket" } as const;
    await documents.save({ parent, document, by, cause: "change", ...rest });
    parent += 1;
  };
  await inventory.load();
  const records = new Map([
    ["gone", recordOf(versionOf("1", "previous"), versionOf("2", "active"))],
    ["kept", recordOf(versionOf("1", "active"))],
    ["of-the-file", recordOf(versionOf("1", "active"))],
    ["unsaved", recordOf(versionOf("1", "active"))],
    ["requested", recordOf(versionOf("1", "active"), versionOf("2", "pending"))],
    ["forgotten", recordOf(versionOf("1", "pending", 401))],
  ]);
  const keys = [...records].flatMap(([name, { versions }]) =>
    versions.map(({ id }) => ({
      name,
      version: id,
      key: HeldKey.clear(`The key of ${name} ${id}.`),
    })),
  );
  assert.ok(await inventory.save({ records, keys }));
  const gone = inventory.record("gone").versions;

  await save(documentOf("gone", "kept"), documentOf("of-the-file"));
  await save(documentOf("kept"));
  inForce = ["kept", "unsaved"];
  const names = (): readonly string[] => [...inventory.names()].toSorted();
  const untilNames = (...wanted: readonly string[]): Promise<unknown> =>
    eventually(() => String(names()) === String(wanted), 5_000, String(wanted));
  test.mock.timers.tick(HOUR_MS);
  // The first revision names `gone`, and `forgotten` has waited for longer than revisions are kept.
  await untilNames("gone", "kept", "of-the-file", "requested", "unsaved");
  assert.equal(inventory.record("gone").versions.length, 2);
  assert.deepEqual(
    inventory.record("requested").versions.map(({ state }) => state),
    ["pending"],
  );

  await save({});
  await save(documentOf("kept"));
  await save({});
  test.mock.timers.tick(HOUR_MS);
  await untilNames("kept", "of-the-file", "requested", "unsaved");
  for (const version of gone) {
    const { sealedKey } = version;
    assert.ok(sealedKey !== undefined);
    await assert.rejects(sealedKeys.open(identityOf("gone", version), sealedKey), {
      code: "sealed-key-damaged",
    });
    assert.ok(store.erased.some((text) => text.includes(sealedKey.bytes)));
  }
  const [kept] = inventory.record("kept").versions;
  assert.ok(kept !== undefined);
  assert.equal(await inventory.openKey("kept", kept), "The key of kept 1.");

  // No number is used twice, whatever was removed.
  const again = new Inventory({ store, program, sealedKeys });
  await again.load();
  assert.deepEqual(again.record("gone"), { nextVersion: 3, versions: [] });
  await documents.close();
});
