import assert from "node:assert/strict";
import { it } from "node:test";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { readLine, writeLine } from "#harness/one-value-line.ts";
import { noSecrets } from "#harness/no-secrets.ts";
import { largeDocument } from "#harness/large-document.ts";
import { collectValues, forgetOld } from "./collection.ts";
import { DOCUMENT_LINE } from "./document-lines.ts";
import { MemoryStore } from "./memory-store.ts";
import { UNREFERENCED_MS, type Hash, type Store } from "./store.ts";
import { TreeDocumentStore } from "./tree-document-store.ts";

const never = new AbortController().signal;
const DAY_MS = 24 * 3_600_000;

interface Setup {
  readonly store: MemoryStore;
  readonly documents: TreeDocumentStore;
  readonly save: (document: WrittenDocument, file?: WrittenDocument) => Promise<void>;
  readonly pass: (ms: number) => void;
}

function setUp(): Setup {
  let nowMs = Date.now();
  let parent = 0;
  const store = new MemoryStore(() => nowMs);
  const documents = new TreeDocumentStore({
    store,
    secrets: noSecrets,
    folder: "/",
    program: "0.2.0",
  });
  return {
    store,
    documents,
    async save(document, file) {
      const rest = file === undefined ? {} : { file };
      const by = { origin: "socket" as const };
      await documents.save({ parent, document, by, cause: "change", ...rest });
      parent += 1;
    },
    pass(ms) {
      nowMs += ms;
    },
  };
}

async function hashesIn(store: Store): Promise<readonly Hash[]> {
  const all: Hash[] = [];
  for (;;) {
    const page = await store.oldValues(all.at(-1) ?? "");
    if (page.length === 0) return all;
    all.push(...page);
  }
}

it("what a kept revision, the file or another line needs stays, and the rest goes", async () => {
  const { store, documents, save, pass } = setUp();
  await writeLine(store, "another", "kept");
  const file = { policies: { "of-the-file": { tickets: false } } };
  await save(largeDocument(200), file);
  for (let change = 1; change <= 20; change += 1) await save(largeDocument(200, change));
  await save({ servers: { "web-1": { address: "::1" } } });
  await save(largeDocument(200, 20));
  await store.put(["what a save left that did not end"]);
  pass(UNREFERENCED_MS);
  // Nothing is forgotten yet.
  assert.equal(await collectValues(store, never), 1);
  const before = await hashesIn(store);
  await store.forget(DOCUMENT_LINE, 20);
  const removed = await collectValues(store, never);
  const after = await hashesIn(store);
  // Each forgotten revision but one has a vNIC, a leaf and the branches above it to itself.
  assert.ok(removed >= 19 * 3, `${removed} values`);
  assert.equal(before.length - after.length, removed);
  assert.equal(await collectValues(store, never), 0);

  const reader = new TreeDocumentStore({
    store,
    secrets: noSecrets,
    folder: "/",
    program: "0.2.0",
  });
  const numbers = (await reader.history(99, 99)).map(({ revision }) => revision);
  assert.deepEqual(numbers, [23, 22, 21]);
  for (const number of numbers) {
    const { document } = await reader.revision(number);
    assert.deepEqual(document, (await documents.revision(number)).document);
  }
  assert.deepEqual((await reader.latest())?.document, largeDocument(200, 20));
  assert.deepEqual((await reader.latest())?.file, file);
  assert.equal(await readLine(store, "another"), "kept");
});

it("what a save needs that runs at the same time stays", async () => {
  const { store, documents, save, pass } = setUp();
  await save(largeDocument(100, 1));
  await save(largeDocument(100, 2));
  await store.forget(DOCUMENT_LINE, 1);
  pass(UNREFERENCED_MS);
  // The values of the revision that was forgotten are needed again while they are collected.
  const oldValues = store.oldValues.bind(store);
  let isSaved = false;
  store.oldValues = async (after) => {
    const found = await oldValues(after);
    if (!isSaved) await save(largeDocument(100, 1));
    isSaved = true;
    return found;
  };
  assert.ok((await collectValues(store, never)) > 0);
  const reader = new TreeDocumentStore({
    store,
    secrets: noSecrets,
    folder: "/",
    program: "0.2.0",
  });
  assert.deepEqual((await reader.latest())?.document, largeDocument(100, 1));
  assert.deepEqual((await documents.revision(2)).document, largeDocument(100, 2));
});

it("a collection that cannot read a revision discards nothing", async () => {
  const { store, save, pass } = setUp();
  await save(largeDocument(50));
  await store.put(["unneeded"]);
  pass(UNREFERENCED_MS);
  const { roots } = (await store.head(DOCUMENT_LINE)) ?? {};
  await store.discard([roots?.["document"] ?? ""]);
  const before = await hashesIn(store);
  await assert.rejects(collectValues(store, never), { code: "state-damaged" });
  assert.deepEqual(await hashesIn(store), before);
});

it("revisions go by number and by age, but never the newest", async () => {
  const { store, save } = setUp();
  for (let change = 1; change <= 9; change += 1) await save(largeDocument(1, change));
  const kept = async (): Promise<number> => (await store.heads(DOCUMENT_LINE, 99, 99)).length;
  await forgetOld(store, { revisions: 100, days: 1 }, Date.now());
  assert.equal(await kept(), 9);
  await forgetOld(store, { revisions: 4, days: 1 }, Date.now());
  assert.equal(await kept(), 4);
  await forgetOld(store, { revisions: 4, days: 1 }, Date.now() + 2 * DAY_MS);
  assert.equal(await kept(), 1);
  assert.equal((await store.head(DOCUMENT_LINE))?.number, 9);
});
