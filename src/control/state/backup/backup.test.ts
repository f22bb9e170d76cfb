import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { largeDocument } from "#harness/large-document.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { headOf } from "#harness/store-contract.ts";
import { copyLandedState } from "#harness/state-fixture.ts";
import { readLine, writeLine } from "#harness/one-value-line.ts";
import { noSecrets } from "#harness/no-secrets.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { collectValues } from "../collection.ts";
import { DATA_KEYS_LINE, DOCUMENT_LINE } from "../document-lines.ts";
import { EntryTrees } from "../entry-trees.ts";
import { MemoryStore } from "../memory-store.ts";
import { SqliteStore } from "../sqlite/sqlite-store.ts";
import { UNREFERENCED_MS, type Store } from "../store.ts";
import { TreeDocumentStore } from "../tree-document-store.ts";
import { readBackup } from "./read-backup.ts";
import { restoreBackup } from "./restore-backup.ts";
import { writeBackup } from "./write-backup.ts";

const program = "0.2.0";
const by = { origin: "socket" as const };

function sqliteIn(folder: string): SqliteStore {
  const store = new SqliteStore({
    ...{ folder, runtimeFolder: folder, program },
    onTrouble: (detail) => assert.fail(detail),
    onSound: () => undefined,
  });
  closeAtTestEnd(() => store.close());
  return store;
}

const documentsOn = (store: Store): TreeDocumentStore =>
  new TreeDocumentStore({ store, secrets: noSecrets, folder: "/", program });

async function saveNext(documents: TreeDocumentStore, change: number): Promise<void> {
  const document = largeDocument(60, change);
  const parent = (await documents.latest())?.record.revision ?? 0;
  await documents.save({ parent, document, by, cause: "change", file: largeDocument(60) });
}

async function filledStore(): Promise<MemoryStore> {
  const store = new MemoryStore();
  const documents = documentsOn(store);
  for (let change = 0; change < 5; change += 1) await saveNext(documents, change);
  await writeLine(store, "another", "kept");
  return store;
}

async function backupOf(store: Store): Promise<string> {
  return (await Array.fromAsync(writeBackup(store, program))).join("");
}

/** Gives the text in pieces that split lines and characters. */
async function* chunksOf(text: string): AsyncGenerator<Uint8Array, void> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 1_001) yield bytes.subarray(at, at + 1_001);
}

async function assertSame(store: Store, other: Store): Promise<void> {
  const [documents, others] = [documentsOn(store), documentsOn(other)];
  assert.deepEqual(await others.latest(), await documents.latest());
  const history = await documents.history(99, 99);
  assert.deepEqual(await others.history(99, 99), history);
  for (const { revision } of history) {
    assert.deepEqual(await others.revision(revision), await documents.revision(revision));
  }
  assert.equal(await readLine(other, "another"), await readLine(store, "another"));
}

/** Replaces the trailer with one that has the right counts and sum, as an attacker could do. */
function resealed(lines: readonly string[]): string {
  const body = lines.slice(0, -1).map((line) => `${line}\n`);
  const { end } = JSON.parse(lines.at(-1) ?? "") as { readonly end: object };
  const kinds = body.slice(1).map((line) => JSON.parse(line) as unknown);
  const values = kinds.filter((value) => typeof value === "string").length;
  const sha256 = createHash("sha256").update(body.join("")).digest("hex");
  const trailer = { ...end, values, heads: kinds.length - values, sha256 };
  return [...body, `${JSON.stringify({ end: trailer })}\n`].join("");
}

const unusable = { code: "backup-unusable" };

describe("a backup", () => {
  it("has everything that is kept, and gives it another id", async () => {
    const store = await filledStore();
    const copy = new MemoryStore();
    const facts = await readBackup(chunksOf(await backupOf(store)), copy);
    await assertSame(store, copy);
    assert.notEqual(await copy.id(), await store.id());
    assert.equal(facts.header.storeId, await store.id());
    assert.equal(facts.heads, 5 + 5 + 1);
  });

  it("is of one moment, while revisions are saved, forgotten and collected", async () => {
    let nowMs = 0;
    const store = new MemoryStore(() => nowMs);
    const documents = documentsOn(store);
    for (let change = 0; change < 5; change += 1) await saveNext(documents, change);
    const lines: string[] = [];
    for await (const line of writeBackup(store, program)) {
      lines.push(line);
      if (lines.length % 20 !== 0) continue;
      await saveNext(documents, lines.length);
      await store.forget(DOCUMENT_LINE, Math.min(3, lines.length / 20));
      nowMs += UNREFERENCED_MS;
      await collectValues(store, new AbortController().signal);
    }
    assert.ok(lines.length > 60);
    const copy = new MemoryStore();
    await readBackup(chunksOf(lines.join("")), copy);
    const latest = await documentsOn(copy).latest();
    assert.equal(latest?.record.revision, 5);
    assert.deepEqual(latest.document, largeDocument(60, 4));
    assert.deepEqual(latest.file, largeDocument(60));
  });

  it("has the data keys of one moment, although a change erases what they were before", async () => {
    const store = await filledStore();
    await writeLine(store, DATA_KEYS_LINE, "before");
    const tree = await new EntryTrees(store).write(new Map([["key", "after"]]));
    const values = store.values.bind(store);
    let isReplaced = false;
    store.values = async (hashes) => {
      const found = await values(hashes);
      if (isReplaced || ![...found.values()].includes("before")) return found;
      isReplaced = true;
      await store.advance([headOf(DATA_KEYS_LINE, 2, { roots: { key: tree.root }, schema: 1 })]);
      await store.forget(DATA_KEYS_LINE, 1);
      await store.erase(["before"]);
      return values(hashes);
    };
    const copy = new MemoryStore();
    await readBackup(chunksOf(await backupOf(store)), copy);
    assert.ok(isReplaced);
    assert.equal(await readLine(copy, DATA_KEYS_LINE), "after");
  });

  it("is refused if it is cut off anywhere", async () => {
    const text = await backupOf(await filledStore());
    const lines = text.split("\n");
    const cuts = [0, 1, 50, text.length >> 1, text.length - 1];
    for (const cut of [...cuts, text.length - (lines.at(-2) ?? "").length - 1]) {
      await assert.rejects(readBackup(chunksOf(text.slice(0, cut)), new MemoryStore()), unusable);
    }
  });

  it("is refused if it was altered, also if its sum is right", async () => {
    const store = await filledStore();
    const lines = (await backupOf(store)).trimEnd().split("\n");
    // A value may be there several times.
    const without = (at: number): readonly string[] => lines.filter((line) => line !== lines[at]);
    const header = lines.findIndex((line) => line.includes("tlsdBackup"));
    const entry = lines.findIndex((line) => line.includes("web-1"));
    const head = lines.findIndex((line) => line.includes('"number":2,"parent":1'));
    const alter = (at: number, from: string, to: string): readonly string[] =>
      lines.map((line) => (line === lines[at] ? line.replace(from, to) : line));
    const reads = (text: string): Promise<unknown> => readBackup(chunksOf(text), new MemoryStore());
    const plain = alter(entry, "web-1", "web-2").map((line) => `${line}\n`);
    await assert.rejects(reads(plain.join("")), { ...unusable, message: /altered/ });
    for (const altered of [
      alter(entry, "web-1", "web-2"),
      without(entry),
      without(head),
      without(header),
      [...lines.slice(0, 1), ...lines],
      [...lines.slice(0, head), lines[head] ?? "", ...lines.slice(head)],
      alter(head, '"parent":1', '"parent":0'),
      alter(head, '"parent":1', '"parent":2'),
      alter(head, '"number":2', '"number":-2'),
      alter(head, '"note":{', `"note":{"x":"${"y".repeat(20_000)}",`),
      [lines[0] ?? "", "[]", ...lines.slice(1)],
      [lines[0] ?? "", JSON.stringify("x".repeat(2 ** 20 + 1)), ...lines.slice(1)],
      [lines[0] ?? "", "[".repeat(100_000), ...lines.slice(1)],
    ]) {
      const text = altered.some((line) => line.startsWith("["))
        ? altered.map((line) => `${line}\n`).join("")
        : resealed(altered);
      await assert.rejects(reads(text), unusable, altered[1]?.slice(0, 80));
    }
    await reads(resealed(lines));
    await assert.rejects(reads("x".repeat(9 * 2 ** 20)), { ...unusable, message: /too long/ });
  });

  it("is refused by name if a newer program wrote it", async () => {
    const lines = (await backupOf(await filledStore())).trimEnd().split("\n");
    const tooNew = { code: "state-too-new", message: /Version 0\.2\.0/ };
    for (const [from, to] of [
      ['"tlsdBackup":1', '"tlsdBackup":2'],
      ['"schema":3', '"schema":4'],
    ] as const) {
      const text = resealed(lines.map((line) => line.replace(from, to)));
      await assert.rejects(readBackup(chunksOf(text), new MemoryStore()), tooNew);
    }
  });
});

describe("a restore", () => {
  it("replaces the state of the folder, with everything that the log of the old one has", async () => {
    const source = await filledStore();
    const folder = await makeTempFolder();
    const old = sqliteIn(folder);
    await documentsOn(old).save({ parent: 0, document: {}, by, cause: "change" });
    const oldId = await old.id();
    await old.close();
    await restoreBackup(chunksOf(await backupOf(source)), { folder, program });
    assert.deepEqual(readdirSync(folder), ["state.db"]);
    assert.equal(statSync(join(folder, "state.db")).mode & 0o777, 0o600);
    const restored = sqliteIn(folder);
    await assertSame(source, restored);
    assert.ok(![oldId, await source.id()].includes(await restored.id()));
  });

  it("leaves the old state in place if the backup cannot be used", async () => {
    const folder = await makeTempFolder();
    const store = sqliteIn(folder);
    await documentsOn(store).save({ parent: 0, document: largeDocument(9), by, cause: "change" });
    const before = [await store.id(), await documentsOn(store).latest()];
    await store.close();
    const text = await backupOf(await filledStore());
    await assert.rejects(restoreBackup(chunksOf(text.slice(0, -9)), { folder, program }), unusable);
    async function* failing(): AsyncGenerator<Uint8Array, void> {
      yield* chunksOf(text.slice(0, 5_000));
      throw new Error("The file cannot be read.");
    }
    await assert.rejects(restoreBackup(failing(), { folder, program }), /cannot be read/);
    assert.deepEqual(readdirSync(folder), ["state.db"]);
    const again = sqliteIn(folder);
    assert.deepEqual([await again.id(), await documentsOn(again).latest()], before);
  });

  it("takes the place of a state that is damaged or that another version left", async () => {
    const source = await filledStore();
    const text = await backupOf(source);
    for (const prepare of [
      async (folder: string) => writeFileSync(join(folder, "state.db"), "damaged".repeat(999)),
      copyLandedState,
    ]) {
      const folder = await makeTempFolder();
      await prepare(folder);
      await restoreBackup(chunksOf(text), { folder, program });
      await assertSame(source, sqliteIn(folder));
    }
  });

  it("does not mix the log of a killed director with the new state", async () => {
    const source = await filledStore();
    const folder = await makeTempFolder();
    const store = sqliteIn(folder);
    await documentsOn(store).save({ parent: 0, document: largeDocument(99), by, cause: "change" });
    // It holds the log open, as if the process had not closed the database.
    const held = new DatabaseSync(join(folder, "state.db"));
    closeAtTestEnd(() => {
      if (held.isOpen) held.close();
    });
    held.prepare("SELECT count(*) FROM contents").get();
    await store.close();
    const text = await backupOf(source);
    await assert.rejects(restoreBackup(chunksOf(text), { folder, program }), {
      code: "state-unwritable",
    });
    held.exec("PRAGMA user_version");
    held.close();
    await restoreBackup(chunksOf(text), { folder, program });
    await assertSame(source, sqliteIn(folder));
  });
});
