import assert from "node:assert/strict";
import { test } from "node:test";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { FakeDocumentStore } from "#harness/fake-document-store.ts";
import { planRestore, planUndo, type UndoPlan } from "./undo.ts";

const by = { origin: "socket" } as const;
const withServers = (servers: Readonly<Record<string, string>>): WrittenDocument => ({
  servers: Object.fromEntries(
    Object.entries(servers).map(([name, address]) => [name, { address }]),
  ),
});

/** A store with one revision for each document. */
async function storeWith(...documents: readonly WrittenDocument[]): Promise<FakeDocumentStore> {
  const store = new FakeDocumentStore();
  for (const [at, document] of documents.entries()) {
    await store.save({ parent: at, document, by, cause: "change" });
  }
  return store;
}

const FIRST = withServers({ a: "127.0.0.1" });
const SECOND = withServers({ a: "127.0.0.1", b: "127.0.0.2" });
const THIRD = withServers({ a: "127.0.0.9", b: "127.0.0.2" });

/** Undoes and saves the result. */
async function undo(store: FakeDocumentStore, revision?: number): Promise<UndoPlan> {
  const latest = await store.latest();
  const plan = await planUndo(store, latest?.document ?? {}, revision);
  const parent = latest?.record.revision ?? 0;
  await store.save({ parent, by, ...plan });
  return plan;
}

test("each undo takes back one change more, and the first revision stays", async () => {
  const store = await storeWith(FIRST, SECOND, THIRD);
  assert.deepEqual(await undo(store), { document: SECOND, cause: "undo", undoes: 3 });
  assert.deepEqual(await undo(store), { document: FIRST, cause: "undo", undoes: 2 });
  await assert.rejects(undo(store), { code: "nothing-to-undo" });
  await assert.rejects(undo(store, 1), { code: "nothing-to-undo" });
});

test("the undo of an undo makes the change again, which can then be undone again", async () => {
  const store = await storeWith(FIRST, SECOND, THIRD);
  await undo(store);
  assert.deepEqual(await undo(store, 4), { document: THIRD, cause: "undo", undoes: 4 });
  assert.deepEqual(await undo(store), { document: SECOND, cause: "undo", undoes: 3 });
});

test("an older change is taken back without those after it", async () => {
  const store = await storeWith(FIRST, SECOND, THIRD);
  assert.deepEqual((await undo(store, 2)).document, withServers({ a: "127.0.0.9" }));
});

test("a change is not taken back where the document has changed since", async () => {
  const fourth = withServers({ a: "127.0.0.8", b: "127.0.0.2" });
  const store = await storeWith(FIRST, SECOND, THIRD, fourth);
  await assert.rejects(undo(store, 3), {
    code: "undo-conflict",
    detail: "Revision 3 changed what has changed since: servers.a.address (revision 4).",
  });
});

test("a conflict is found without reading revisions that changed something else", async (context) => {
  const withB = (address: string) => withServers({ a: "127.0.0.9", b: address });
  const others = Array.from({ length: 9 }, (_, at) => withB(`127.0.1.${at}`));
  const base = withServers({ a: "127.0.0.1", b: "127.0.1.1" });
  const changed = withServers({ a: "127.0.0.8", b: "127.0.1.1" });
  const store = await storeWith(base, changed, withB("127.0.1.1"), ...others);
  const read = context.mock.method(store, "revision");
  await assert.rejects(undo(store, 2), { detail: /servers\.a\.address \(revision 3\)\.$/ });
  const revisions = read.mock.calls.map(({ arguments: [revision] }) => revision);
  assert.deepEqual(new Set(revisions), new Set([1, 2, 3]));
});

test("a restore gives the whole document of a revision", async () => {
  const store = await storeWith(FIRST, SECOND, THIRD);
  assert.deepEqual(await planRestore(store, 1), {
    ...{ document: FIRST, cause: "restore", undoes: 1 },
  });
  await assert.rejects(planRestore(store, 9), { code: "not-found" });
});

test("a revision that is not kept any more cannot be undone or restored", async () => {
  const store = await storeWith(FIRST, SECOND, THIRD);
  store.forget(2);
  await assert.rejects(undo(store, 2), { code: "revision-gone" });
  await assert.rejects(undo(store), { code: "revision-gone" });
  await assert.rejects(planRestore(store, 1), { code: "revision-gone" });
});
