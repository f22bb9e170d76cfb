import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "#harness/deadline.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { SqliteRevisionStore } from "./revision-store.ts";

const DOCUMENT = { servers: {}, profiles: {}, certificates: {}, policies: {} };
const CHANGED = { ...DOCUMENT, servers: { "web-1": { address: "127.0.0.1" } } };

function storeIn(folder: string): { readonly store: SqliteRevisionStore; readonly told: string[] } {
  const told: string[] = [];
  const store = new SqliteRevisionStore({
    folder,
    runtimeFolder: folder,
    onTrouble: (detail) => told.push(detail),
    onSound: () => told.push("sound"),
    retryMs: 20,
  });
  closeAtTestEnd(() => store.close());
  return { store, told };
}

test("the newest revision is there after the store was closed", async () => {
  const folder = await makeTempFolder();
  const { store, told } = storeIn(folder);
  assert.equal(await store.latest(), undefined);
  await store.save(1, DOCUMENT);
  await store.save(2, CHANGED);
  store.close();
  assert.ok(told.every((word) => word === "sound"));
  const again = storeIn(folder).store;
  assert.equal((await again.latest())?.revision, 2);
  assert.deepEqual((await again.latest())?.document.servers, { "web-1": { address: "127.0.0.1" } });
});

test("a revision is never overwritten", async () => {
  const { store } = storeIn(await makeTempFolder());
  await store.save(1, DOCUMENT);
  await assert.rejects(store.save(1, CHANGED), { code: "state-unwritable", message: /UNIQUE/ });
  assert.deepEqual((await store.latest())?.document, DOCUMENT);
});

test("old revisions make room", async () => {
  const { store } = storeIn(await makeTempFolder());
  await store.save(1, DOCUMENT);
  await store.save(1_001, DOCUMENT);
  // A revision that is still there cannot be saved again; the first one is gone.
  await assert.rejects(store.save(1_001, DOCUMENT), {
    code: "state-unwritable",
    message: /UNIQUE constraint/,
  });
  await store.save(1, DOCUMENT);
});

test("a file that is no database is told of, and refuses every use by name", async () => {
  const folder = await makeTempFolder();
  writeFileSync(join(folder, "state.db"), "not a database, whatever its name says".repeat(100));
  const { store, told } = storeIn(folder);
  assert.match(told[0] ?? "", /state\.db: file is not a database/);
  await assert.rejects(store.latest(), { code: "state-unwritable" });
  await assert.rejects(store.save(1, DOCUMENT), { code: "state-unwritable" });
});

test("what was saved is still written to the file at the path, when another one takes its place", async () => {
  const folder = await makeTempFolder();
  const { store } = storeIn(folder);
  await store.save(1, DOCUMENT);
  for (const name of ["state.db", "state.db-wal", "state.db-shm"]) rmSync(join(folder, name));
  await store.save(2, CHANGED);
  store.close();
  assert.equal((await storeIn(folder).store.latest())?.revision, 2);
});

test("a folder that was removed refuses a save, and one that is back takes it", async () => {
  const parent = await makeTempFolder();
  const folder = join(parent, "data");
  mkdirSync(folder);
  const { store, told } = storeIn(folder);
  await store.save(1, DOCUMENT);
  renameSync(folder, join(parent, "away"));
  await assert.rejects(store.save(2, CHANGED), { code: "state-unwritable" });
  mkdirSync(folder);
  // Its lock is not held.
  await assert.rejects(store.save(2, CHANGED), { code: "state-unwritable" });
  rmSync(folder, { recursive: true });
  renameSync(join(parent, "away"), folder);
  await eventually(() => told.at(-1) === "sound");
  await store.save(2, CHANGED);
  assert.equal((await store.latest())?.revision, 2);
});
