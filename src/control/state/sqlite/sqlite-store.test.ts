import assert from "node:assert/strict";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { it } from "node:test";
import type { Worker } from "node:worker_threads";
import { eventually } from "#harness/deadline.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { describeStore, headOf } from "#harness/store-contract.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { UNREFERENCED_MS } from "../store.ts";
import { valueHashOf } from "../tree/value-hash.ts";
import { SqliteStore, type SqliteStoreOptions } from "./sqlite-store.ts";

type Settings = Partial<SqliteStoreOptions>;

interface Opened {
  readonly store: SqliteStore;
  /** What was told of, `sound` when it is over. */
  readonly told: string[];
}

function openIn(folder: string, settings: Settings = {}): Opened {
  const told: string[] = [];
  const store = new SqliteStore({
    folder,
    runtimeFolder: folder,
    program: "0.1.0",
    onTrouble: (detail) => told.push(detail),
    onSound: () => told.push("sound"),
    retryMs: 20,
    ...settings,
  });
  closeAtTestEnd(() => store.close());
  return { store, told };
}

describeStore(
  "a store in SQLite",
  async (nowMs) => openIn(await makeTempFolder(), { nowMs }).store,
);

const unwritable = { code: "state-unwritable" };

it("keeps the write-ahead log short, however much is written", async () => {
  const folder = await makeTempFolder();
  const { store } = openIn(folder);
  for (let round = 0; round < 40; round += 1) {
    const values = Array.from({ length: 16 }, (_, at) => `${round} ${at} ${"x".repeat(8_192)}`);
    await store.put(values);
  }
  const bytesOf = (name: string): number => statSync(join(folder, name)).size;
  assert.ok(bytesOf("state.db") > 4_000_000);
  assert.ok(bytesOf("state.db-wal") < 2_000_000, `${bytesOf("state.db-wal")}`);
});

it("has everything after it was closed, in files that only their owner can read", async () => {
  const folder = await makeTempFolder();
  const { store, told } = openIn(folder);
  await store.put(["value"]);
  await store.advance([headOf("a", 1)]);
  const id = await store.id();
  for (const name of ["state.db", "state.db-wal", "state.db-shm"]) {
    assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
  }
  await store.close();
  assert.ok(told.every((word) => word === "sound"));
  await assert.rejects(store.head("a"), unwritable);
  const again = openIn(folder).store;
  assert.equal(await again.id(), id);
  assert.deepEqual(await again.head("a"), headOf("a", 1));
  assert.equal((await again.values([valueHashOf("value")])).size, 1);
});

it("has nothing of values that were erased or discarded, in its pages or in its log", async () => {
  const folder = await makeTempFolder();
  let nowMs = 0;
  const { store } = openIn(folder, { nowMs: () => nowMs });
  const textOf = (): string =>
    ["state.db", "state.db-wal"].map((name) => readFileSync(join(folder, name), "latin1")).join("");
  // Some fill pages of their own, and some share a page with others that stay.
  const large = (word: string): string => `${word} `.repeat(2_000);
  await store.put([large("erased"), "a small erased value", large("discarded"), "kept"]);
  assert.ok(textOf().includes("erased") && textOf().includes("discarded"));
  await store.erase([large("erased"), "a small erased value"]);
  assert.ok(!textOf().includes("erased"));
  nowMs += UNREFERENCED_MS;
  await store.discard([valueHashOf(large("discarded"))]);
  assert.ok(!textOf().includes("discarded"));
  assert.ok(textOf().includes("kept"));
  assert.equal(statSync(join(folder, "state.db-wal")).size, 0);
});

it("tells of a file that is no database, and refuses every use by name", async () => {
  const folder = await makeTempFolder();
  writeFileSync(join(folder, "state.db"), "not a database, whatever its name says".repeat(100));
  const { store, told } = openIn(folder);
  const message = /state\.db: file is not a database/;
  await assert.rejects(store.head("a"), { ...unwritable, message });
  await assert.rejects(store.advance([headOf("a", 1)]), { ...unwritable, message });
  assert.match(told[0] ?? "", message);
});

it("writes to the file at the path when the file was removed, and not before the caller knows", async () => {
  const folder = await makeTempFolder();
  const { store } = openIn(folder);
  const id = await store.id();
  await store.advance([headOf("a", 1)]);
  for (const name of ["state.db", "state.db-wal", "state.db-shm"]) rmSync(join(folder, name));
  await assert.rejects(store.put(["value"]), { ...unwritable, message: /Another database/ });
  await assert.rejects(store.advance([headOf("a", 2)]), unwritable);
  assert.notEqual(await store.id(), id);
  assert.equal(await store.advance([headOf("a", 2)]), true);
  await store.close();
  assert.equal((await openIn(folder).store.head("a"))?.number, 2);
});

it("refuses to write to a folder that was removed or replaced, and writes when it is back", async () => {
  const parent = await makeTempFolder();
  const folder = join(parent, "data");
  mkdirSync(folder);
  const { store, told } = openIn(folder);
  await store.advance([headOf("a", 1)]);
  renameSync(folder, join(parent, "away"));
  await assert.rejects(store.advance([headOf("a", 2)]), unwritable);
  mkdirSync(folder);
  // Its lock is not held.
  await assert.rejects(store.advance([headOf("a", 2)]), unwritable);
  rmSync(folder, { recursive: true });
  renameSync(join(parent, "away"), folder);
  await eventually(() => told.at(-1) === "sound");
  assert.equal(await store.advance([headOf("a", 2)]), true);
  assert.equal((await store.head("a"))?.number, 2);
});

it("reads what is there while another process keeps it from writing, and tells when that is over", async () => {
  const folder = await makeTempFolder();
  const { store, told } = openIn(folder);
  await store.advance([headOf("a", 1)]);
  const other = new DatabaseSync(join(folder, "state.db"));
  closeAtTestEnd(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  await assert.rejects(store.advance([headOf("a", 2)]), { ...unwritable, message: /locked/ });
  assert.match(told.at(-1) ?? "", /state\.db: database is locked/);
  assert.equal((await store.head("a"))?.number, 1);
  other.exec("ROLLBACK");
  await eventually(() => told.at(-1) === "sound");
  assert.equal(await store.advance([headOf("a", 2)]), true);
});

it("names the version that wrote a newer layout, and changes nothing", async () => {
  const folder = await makeTempFolder();
  await openIn(folder, { program: "7.8.9" }).store.close();
  const database = new DatabaseSync(join(folder, "state.db"));
  database.exec("PRAGMA user_version = 3");
  database.close();
  const { store } = openIn(folder);
  const tooNew = { code: "state-too-new", message: /Version 7\.8\.9 wrote it in layout 3/ };
  await assert.rejects(store.head("a"), tooNew);
  await assert.rejects(store.advance([headOf("a", 1)]), tooNew);
});

it("starts a thread that has ended again, and answers what waited", async () => {
  const threads: Worker[] = [];
  const note = (thread: Worker): void => void threads.push(thread);
  process.on("worker", note);
  closeAtTestEnd(() => void process.off("worker", note));
  const { store, told } = openIn(await makeTempFolder());
  await store.advance([headOf("a", 1)]);
  const [thread] = threads;
  assert.ok(thread !== undefined);
  const ended = thread.terminate();
  await assert.rejects(store.head("a"), { ...unwritable, message: /thread of the database ended/ });
  await ended;
  assert.match(told.at(-1) ?? "", /thread/);
  assert.deepEqual(await store.head("a"), headOf("a", 1));
  await eventually(() => told.at(-1) === "sound");
});

it("refuses at the deadline, and never carries out what has waited until then", async () => {
  const folder = await makeTempFolder();
  // The start of the thread takes longer.
  const { store } = openIn(folder, { deadlineMs: 1 });
  const late = { ...unwritable, message: /did not answer within 1 ms/ };
  await assert.rejects(store.advance([headOf("a", 1)]), late);
  const { store: other } = openIn(folder);
  assert.equal(await other.head("a"), undefined);
});

it("refuses requests when too many wait", async () => {
  const { store } = openIn(await makeTempFolder());
  const reads = await Promise.allSettled(Array.from({ length: 300 }, () => store.head("a")));
  const refused = reads.filter(({ status }) => status === "rejected");
  assert.ok(refused.length > 0 && refused.length < 50, String(refused.length));
  assert.equal(await store.head("a"), undefined);
});
