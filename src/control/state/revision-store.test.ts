import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { openRevisionStore } from "./revision-store.ts";

const DOCUMENT = { servers: {}, profiles: {}, certificates: {}, policies: {} };

test("the newest revision is there after the store was closed", async () => {
  const folder = await makeTempFolder();
  const store = openRevisionStore(folder);
  assert.equal(store.latest(), undefined);
  store.save(1, DOCUMENT);
  store.save(2, { ...DOCUMENT, servers: { "web-1": { address: "127.0.0.1" } } });
  store.close();
  const again = openRevisionStore(folder);
  assert.equal(again.latest()?.revision, 2);
  assert.deepEqual(again.latest()?.document.servers, { "web-1": { address: "127.0.0.1" } });
  again.close();
});

test("a revision is never overwritten", async () => {
  const store = openRevisionStore(await makeTempFolder());
  store.save(1, DOCUMENT);
  assert.throws(() => store.save(1, { ...DOCUMENT, servers: {} }), /UNIQUE/);
  store.close();
});

test("old revisions make room", async () => {
  const store = openRevisionStore(await makeTempFolder());
  store.save(1, DOCUMENT);
  store.save(1_001, DOCUMENT);
  assert.throws(() => store.save(1_001, DOCUMENT));
  store.save(1, DOCUMENT);
  store.close();
});

test("a file that is no database is a named failure", async () => {
  const folder = await makeTempFolder();
  writeFileSync(join(folder, "state.db"), "not a database, whatever its name says".repeat(100));
  assert.throws(() => openRevisionStore(folder), { code: "data-unusable" });
});
