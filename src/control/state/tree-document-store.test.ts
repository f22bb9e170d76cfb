import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { WrittenDocument } from "#model/document/written-document.ts";
import type { Author } from "#model/records/revision.ts";
import { largeDocument } from "#harness/large-document.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { headOf } from "#harness/store-contract.ts";
import { noSecrets } from "#harness/no-secrets.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { DOCUMENT_LINE, FILE_LINE } from "./document-lines.ts";
import type { NewRevision } from "./document-store.ts";
import { MemoryStore } from "./memory-store.ts";
import { SqliteStore } from "./sqlite/sqlite-store.ts";
import type { Store } from "./store.ts";
import { TreeDocumentStore } from "./tree-document-store.ts";

const by: Author = { origin: "socket", uid: 0, user: "root", sudoUser: "ann" };
const first: WrittenDocument = { servers: { "web-1": { address: "127.0.0.1" } } };
const second: WrittenDocument = {
  servers: { "web-1": { address: "127.0.0.2" } },
  profiles: { shop: { vnics: { front: { ip: "127.0.1.1" } } }, empty: {} },
  certificates: { "*.shop.example": { chain: "/a/b.pem" } },
};

const change = (parent: number, document: WrittenDocument, rest = {}): NewRevision => ({
  parent,
  document,
  by,
  cause: "change",
  ...rest,
});

const documentsOn = (store: Store, rest = {}): TreeDocumentStore =>
  new TreeDocumentStore({
    store,
    secrets: noSecrets,
    folder: "/etc/tlsd",
    program: "0.2.0",
    ...rest,
  });

function sqliteIn(folder: string): SqliteStore {
  const store = new SqliteStore({
    ...{ folder, runtimeFolder: folder, program: "0.2.0" },
    onTrouble: () => undefined,
    onSound: () => undefined,
  });
  closeAtTestEnd(() => store.close());
  return store;
}

const ADAPTERS: readonly (readonly [string, () => Promise<Store>])[] = [
  ["in memory", async () => new MemoryStore()],
  ["in SQLite", async () => sqliteIn(await makeTempFolder())],
];

for (const [name, open] of ADAPTERS) {
  describe(`the revisions of the document ${name}`, () => {
    it("are there as they were saved, for this program and the next", async () => {
      const store = await open();
      const documents = documentsOn(store);
      assert.equal(await documents.latest(), undefined);
      const one = await documents.save(change(0, first));
      const two = await documents.save(change(1, second, { reason: "more\n", file: second }));
      const three = await documents.save(change(2, first, { cause: "undo", undoes: 2 }));
      assert.deepEqual([one.hash === three.hash, one.hash === two.hash], [true, false]);
      for (const reader of [documents, documentsOn(store)]) {
        const latest = await reader.latest();
        assert.deepEqual(latest, { record: three, document: first, file: second });
        assert.deepEqual(await reader.history(9, 9), [three, two, one]);
        assert.deepEqual(await reader.history(3, 1), [two]);
        assert.deepEqual(await reader.revision(2), { record: two, document: second });
        assert.equal(await reader.id(), await store.id());
      }
      const { at, hash, ...record } = two;
      assert.ok(!Number.isNaN(Date.parse(at)) && hash.length === 43);
      assert.deepEqual(record, { revision: 2, parent: 1, by, reason: "more\n", cause: "change" });
      assert.deepEqual([three.cause, three.undoes], ["undo", 2]);
    });

    it("are refused if they continue another revision than the newest", async () => {
      const store = await open();
      const [documents, other] = [documentsOn(store), documentsOn(store)];
      await documents.save(change(0, first));
      await other.latest();
      await documents.save(change(1, second));
      const conflict = { code: "revision-conflict" };
      await assert.rejects(other.save(change(1, first)), conflict);
      await assert.rejects(documents.save(change(0, first)), conflict);
      await assert.rejects(documents.save(change(9, first)), conflict);
      const both = [documents, other].map((one) => one.save(change(2, first)));
      const settled = await Promise.allSettled(both);
      assert.deepEqual(settled.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
      assert.equal((await other.latest())?.record.revision, 3);
      assert.deepEqual((await other.revision(2)).document, second);
    });

    it("are not changed by a note that the document of the file equals the one in force", async () => {
      const store = await open();
      const documents = documentsOn(store);
      const record = await documents.save(change(0, first));
      assert.equal((await documents.latest())?.file, undefined);
      await documents.noteFile(first);
      await documents.noteFile(first);
      assert.deepEqual(await documents.latest(), { record, document: first, file: first });
      assert.equal((await store.head(FILE_LINE))?.number, 1);
      await documents.noteFile(second);
      assert.deepEqual((await documentsOn(store).latest())?.file, second);
    });

    it("are named as gone or as unknown", async () => {
      const documents = documentsOn(await open(), { kept: { revisions: 2, days: 400 } });
      for (let parent = 0; parent < 4; parent += 1) {
        await documents.save(change(parent, parent % 2 === 0 ? first : second));
      }
      // What is kept is counted after the save.
      await documents.save(change(4, first));
      await assert.rejects(documents.revision(1), { code: "revision-gone" });
      for (const unknown of [0, -1, 6]) {
        await assert.rejects(documents.revision(unknown), { code: "not-found" });
      }
      assert.deepEqual((await documents.revision(4)).document, second);
    });

    it("are named as too new if a newer program wrote them", async () => {
      const store = await open();
      const documents = documentsOn(store);
      await documents.save(change(0, first));
      const roots = (await store.head(DOCUMENT_LINE))?.roots ?? {};
      await store.advance([headOf(DOCUMENT_LINE, 2, { roots, schema: 4, writtenBy: "9.8.7" })]);
      const tooNew = { code: "state-too-new", message: /Version 9\.8\.7 wrote .* schema 4/ };
      await assert.rejects(documents.latest(), tooNew);
      await assert.rejects(documentsOn(store).save(change(2, second)), tooNew);
      assert.equal((await store.head(DOCUMENT_LINE))?.number, 2);
    });

    it("change by a few kilobytes in a document of 2,000 vNICs", async (context) => {
      const store = await open();
      const written: string[] = [];
      const put = store.put.bind(store);
      store.put = (values) => {
        written.push(...values);
        return put(values);
      };
      const documents = documentsOn(store);
      await documents.save(change(0, largeDocument(2_000)));
      assert.ok(written.join("").length > 500_000);
      for (let parent = 1; parent < 6; parent += 1) {
        written.length = 0;
        await documents.save(change(parent, largeDocument(2_000, parent)));
        const head = JSON.stringify(await store.head(DOCUMENT_LINE));
        const bytes = Buffer.byteLength(written.join("")) + Buffer.byteLength(head);
        assert.ok(bytes <= 8_192, `${bytes} bytes`);
        context.diagnostic(`${bytes} bytes in ${written.length} values and a head`);
      }
      const read = (await documentsOn(store).latest())?.document;
      assert.deepEqual(read, largeDocument(2_000, 5));
    });

    it("may have entries of any size", async () => {
      const store = await open();
      const long = "\u{1F512}ä".repeat(700_000);
      const document = { certificates: { long: { chain: long }, short: { chain: "/a" } } };
      await documentsOn(store).save(change(0, document));
      assert.deepEqual((await documentsOn(store).latest())?.document, document);
    });
  });
}

it("any document is read as it was saved, whatever was saved before", async () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,5}$/);
  const map = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });
  const named = fc.dictionary(name, map, { minKeys: 1, maxKeys: 40 });
  const profile = fc.record({ servers: map, vnics: named }, { requiredKeys: [] });
  const document = fc.record(
    {
      servers: named,
      profiles: fc.dictionary(name, profile, { minKeys: 1, maxKeys: 6 }),
      certificates: named,
      policies: named,
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(document, { minLength: 1, maxLength: 4 }), async (list) => {
      const store = new MemoryStore();
      const documents = documentsOn(store);
      const saved = list.map((one) => JSON.parse(JSON.stringify(one)) as WrittenDocument);
      for (const [parent, one] of saved.entries()) await documents.save(change(parent, one));
      for (const [at, one] of saved.entries()) {
        assert.deepEqual((await documentsOn(store).revision(at + 1)).document, one);
        assert.deepEqual((await documents.revision(at + 1)).document, one);
      }
    }),
    { numRuns: 40 },
  );
});

it("names the entries that a revision changed", async () => {
  const documents = documentsOn(new MemoryStore());
  const large = largeDocument(40, 1);
  await documents.save(change(0, first));
  await documents.save(change(1, second));
  await documents.save(change(2, large));
  await documents.save(change(3, { ...large, servers: { ...large.servers, another: {} } }));
  assert.deepEqual(await documents.changedEntries(1), new Set(["servers/web-1"]));
  assert.deepEqual(
    await documents.changedEntries(2),
    new Set([
      ...["servers/web-1", "profiles/shop", "vnics/shop/front", "profiles/empty"],
      "certificates/*.shop.example",
    ]),
  );
  assert.ok((await documents.changedEntries(3)).size > 40);
  assert.deepEqual(await documents.changedEntries(4), new Set(["servers/another"]));
  await assert.rejects(documents.changedEntries(5), { code: "not-found" });
});

it("a save asks the store once for its id and for each head, and reads no values that are in memory", async (context) => {
  const store = new MemoryStore();
  const documents = documentsOn(store);
  await documents.save(change(0, first, { file: first }));
  const asked: string[] = [];
  for (const name of ["id", "head", "heads", "values", "put", "advance"] as const) {
    const method: (...args: readonly never[]) => unknown = store[name].bind(store);
    context.mock.method(store, name, (...args: readonly never[]) => {
      asked.push(name);
      return method(...args);
    });
  }
  await documents.save(change(1, second));
  assert.deepEqual(asked.splice(0), ["id", "head", "put", "advance"]);
  await documents.save(change(2, first, { file: first }));
  assert.deepEqual(asked.splice(0), ["id", "head", "put", "head", "advance"]);
  await documents.noteFile(structuredClone(first));
  assert.deepEqual(asked, ["id", "head", "head"]);
});

it("a database that was removed is created anew, with the whole document and the next number", async () => {
  const folder = await makeTempFolder();
  const documents = documentsOn(sqliteIn(folder));
  await documents.save(change(0, first));
  await documents.save(change(1, second));
  const id = await documents.id();
  for (const file of ["state.db", "state.db-wal", "state.db-shm"]) rmSync(join(folder, file));
  assert.equal((await documents.save(change(2, second))).revision, 3);
  assert.notEqual(await documents.id(), id);
  await documents.close();
  const latest = await documentsOn(sqliteIn(folder)).latest();
  assert.deepEqual([latest?.record.revision, latest?.document], [3, second]);
});

it("a revision is not saved if the storage is so slow that its values may be gone", async (context) => {
  const store = new MemoryStore();
  const put = store.put.bind(store);
  context.mock.method(store, "put", async (values: readonly string[]) => {
    await put(values);
    const nowMs = performance.now() + 6 * 60_000;
    context.mock.method(performance, "now", () => nowMs);
  });
  await assert.rejects(documentsOn(store).save(change(0, first)), { code: "state-unwritable" });
  assert.equal(await store.head(DOCUMENT_LINE), undefined);
});
