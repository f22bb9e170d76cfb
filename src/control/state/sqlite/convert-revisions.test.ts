import assert from "node:assert/strict";
import { chmodSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { it } from "node:test";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { copyLandedState, landedDocument } from "#harness/state-fixture.ts";
import { noSecrets } from "#harness/no-secrets.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { TreeDocumentStore } from "../tree-document-store.ts";
import { convertStep } from "./convert-revisions.ts";
import { prepareLayout } from "./layout.ts";
import { openReadable } from "./open-readable.ts";
import { SqliteStore } from "./sqlite-store.ts";
import { READS } from "./statements.ts";

interface Converted {
  readonly documents: TreeDocumentStore;
  /** Resolves to the number of revisions that were converted in the background. */
  readonly finished: Promise<number>;
}

function openIn(folder: string): Converted {
  const { promise, resolve } = Promise.withResolvers<number>();
  const store = new SqliteStore({
    ...{ folder, runtimeFolder: folder, program: "0.2.0" },
    onTrouble: (detail) => assert.fail(detail),
    onSound: () => undefined,
    onConverted: resolve,
  });
  const documents = new TreeDocumentStore({
    store,
    secrets: noSecrets,
    folder: "/etc/tlsd",
    program: "0.2.0",
  });
  closeAtTestEnd(() => documents.close());
  return { documents, finished: promise };
}

it("reads the newest revision of the version before at once, and the others when they are converted", async () => {
  const folder = await makeTempFolder();
  await copyLandedState(folder);
  const { documents, finished } = openIn(folder);
  const latest = await documents.latest();
  assert.ok(latest !== undefined);
  assert.deepEqual(latest.document, await landedDocument());
  // That version had documents of files only.
  assert.deepEqual(latest.file, latest.document);
  const { hash, at, ...record } = latest.record;
  assert.deepEqual(record, { revision: 3, parent: 2, by: { origin: "start" }, cause: "change" });
  assert.match(hash, /^[\w-]{43}$/);
  assert.match(at, /^2026-/);
  assert.equal(await finished, 2);
  const history = await documents.history(10, 10);
  assert.deepEqual(
    history.map(({ revision, parent }) => [revision, parent]),
    [
      [3, 2],
      [2, 1],
      [1, 0],
    ],
  );
  // It differs in the defaults that other modes have, which mean nothing.
  assert.deepEqual((await documents.revision(2)).document, latest.document);
  assert.deepEqual((await documents.revision(1)).document, {
    servers: { "web-1": { address: "127.0.0.1" }, "web-2": { address: "127.0.0.2" } },
    profiles: { empty: {} },
  });

  const changed = { ...latest.document, servers: {} };
  const by = { origin: "socket" as const };
  await documents.save({ parent: 3, document: changed, by, cause: "change" });
  await documents.close();
  const again = openIn(folder).documents;
  assert.deepEqual((await again.revision(3)).document, latest.document);
  assert.equal((await again.latest())?.record.revision, 4);
  const database = new DatabaseSync(join(folder, "state.db"));
  closeAtTestEnd(() => database.close());
  const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'revisions'").get();
  assert.equal(table, undefined);
});

it("continues a conversion that was interrupted after each step", async () => {
  const folder = await makeTempFolder();
  await copyLandedState(folder);
  const open = (): DatabaseSync => {
    const database = new DatabaseSync(join(folder, "state.db"));
    prepareLayout(database, "0.2.0");
    return database;
  };
  const numbersOf = (database: DatabaseSync): readonly number[] =>
    READS.heads(database, "document", 99, 99).map(({ number }) => number);
  const first = open();
  assert.deepEqual(numbersOf(first), [3]);
  const count = first.prepare("SELECT count(*) AS count FROM revisions").get();
  assert.equal(count?.["count"], 2);
  first.close();
  const second = open();
  assert.equal(convertStep(second), true);
  assert.deepEqual(numbersOf(second), [3, 2]);
  second.close();
  const third = open();
  assert.equal(convertStep(third), true);
  assert.deepEqual(numbersOf(third), [3, 2, 1]);
  assert.equal(convertStep(third), false);
  third.close();
});

it("reads the newest revision of a database that cannot be converted", async () => {
  const folder = await makeTempFolder();
  await copyLandedState(folder);
  chmodSync(join(folder, "state.db"), 0o400);
  const runtimeFolder = await makeTempFolder();
  const database = openReadable(join(folder, "state.db"), runtimeFolder);
  closeAtTestEnd(() => database.close());
  assert.equal(READS.head(database, "document")?.number, 3);
  assert.equal(READS.head(database, "file")?.number, 1);
  assert.deepEqual(readdirSync(runtimeFolder), []);
  const unchanged = new DatabaseSync(join(folder, "state.db"), { readOnly: true });
  closeAtTestEnd(() => unchanged.close());
  assert.equal(unchanged.prepare("SELECT count(*) AS count FROM revisions").get()?.["count"], 3);
});
