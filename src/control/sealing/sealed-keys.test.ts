import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { filesOf, identityOf, SealedStore } from "#harness/sealed-store.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { readBackup } from "../state/backup/read-backup.ts";
import { writeBackup } from "../state/backup/write-backup.ts";
import { DATA_KEYS_LINE } from "../state/document-lines.ts";
import { EntryTrees } from "../state/entry-trees.ts";
import { MemoryStore } from "../state/memory-store.ts";
import type { Store } from "../state/store.ts";
import { newMasterKeyText } from "./master-key.ts";

const wrong = { code: "master-key-wrong" };
const damaged = { code: "sealed-key-damaged" };
const pemOf = (name: string): string => `-----BEGIN PRIVATE KEY-----\n${name}\n`;
const keyOf = (name: string) => ({ identity: identityOf(name), keyPem: pemOf(name) });

interface Place {
  readonly folder: string;
  readonly path: string;
  readonly nextPath: string;
}

async function makePlace(): Promise<Place> {
  const folder = await makeTempFolder();
  return { folder, path: join(folder, "key", "master.key"), nextPath: join(folder, "next.key") };
}

function writeKey(path: string, mode = 0o600): void {
  writeFileSync(path, newMasterKeyText(), { mode });
}

describe("sealed keys", () => {
  it("are opened again, also after a start, with a master key that was made for the first of them", async () => {
    const { folder, path } = await makePlace();
    const store = new MemoryStore();
    const first = await SealedStore.on(store, filesOf(path));
    assert.deepEqual(readdirSync(folder), []);
    assert.deepEqual([...first.notices], []);
    assert.ok(await first.seal(keyOf("a"), keyOf("b")));
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(join(folder, "key")).mode & 0o777, 0o700);
    assert.match(first.notices.get("master-key-made") ?? "", new RegExp(`${path}.* Back it up`));
    assert.ok(await first.seal(keyOf("c")));
    assert.deepEqual(readdirSync(join(folder, "key")), ["master.key"]);

    const again = await SealedStore.on(store, filesOf(path));
    for (const each of [first, again]) {
      for (const name of ["a", "b", "c"]) {
        assert.equal(await each.open(identityOf(name)), pemOf(name));
      }
      await assert.rejects(each.open({ ...identityOf("a"), version: "2" }), damaged);
      await assert.rejects(each.open(identityOf("never sealed")), damaged);
    }
    assert.deepEqual([...again.notices], []);
  });

  it("are not made when the state has changed meanwhile, and the caller can try again", async () => {
    const { path } = await makePlace();
    const sealed = await SealedStore.on(new MemoryStore(), filesOf(path));
    const stale = { parent: 5, number: 6, line: "other", at: "2026-01-01T00:00:00Z" };
    const head = { ...stale, roots: {}, schema: 1, writtenBy: "0", note: {} };
    await sealed.store.advance([{ ...head, parent: 0, number: 1 }]);
    const isSaved = await sealed.keys.save({ add: [keyOf("a")] }, () => Promise.resolve([head]));
    assert.equal(isSaved, false);
    assert.equal(await sealed.store.head(DATA_KEYS_LINE), undefined);
    assert.ok(await sealed.seal(keyOf("a")));
  });

  it("are sealed one change after the other, however many are asked for at once", async () => {
    const { path } = await makePlace();
    const sealed = await SealedStore.on(new MemoryStore(), filesOf(path));
    const names = Array.from({ length: 20 }, (_, at) => `n${at}`);
    const results = await Promise.all(names.map((name) => sealed.seal(keyOf(name))));
    assert.ok(results.every(Boolean));
    for (const name of names) assert.equal(await sealed.open(identityOf(name)), pemOf(name));
  });

  it("are refused without the master key, which is not made again", async () => {
    const { path } = await makePlace();
    const store = new MemoryStore();
    await (await SealedStore.on(store, filesOf(path))).seal(keyOf("a"));
    rmSync(path);
    const without = await SealedStore.on(store, filesOf(path));
    const message = new RegExp(`There is no file ${path}`);
    assert.match(without.notices.get("master-key-wrong") ?? "", message);
    await assert.rejects(without.open(identityOf("a")), { ...wrong, message });
    await assert.rejects(without.seal(keyOf("b")), { ...wrong, message });
    assert.equal(statSync(path, { throwIfNoEntry: false }), undefined);
  });

  it("are refused with another master key, and opened again with the right one", async () => {
    const { folder, path } = await makePlace();
    const store = new MemoryStore();
    await (await SealedStore.on(store, filesOf(path))).seal(keyOf("a"));
    const other = join(folder, "other.key");
    writeKey(other);
    const with_ = await SealedStore.on(store, filesOf(other));
    assert.match(
      with_.notices.get("master-key-wrong") ?? "",
      /The key in the file .*other\.key is /,
    );
    await assert.rejects(with_.open(identityOf("a")), wrong);
    await assert.rejects(with_.seal(keyOf("b")), wrong);
    await assert.rejects(with_.keys.changeMasterKey(filesOf(other)), wrong);
    const right = await SealedStore.on(store, filesOf(path));
    assert.equal(await right.open(identityOf("a")), pemOf("a"));
  });

  it("are sealed with a key that was put into the file after the start, which is not replaced", async () => {
    const { folder } = await makePlace();
    const path = join(folder, "master.key");
    const [one, other] = [new MemoryStore(), new MemoryStore()];
    const [sealed, refused] = [
      await SealedStore.on(one, filesOf(path)),
      await SealedStore.on(other, filesOf(path)),
    ];
    writeFileSync(path, "no key", { mode: 0o600 });
    await assert.rejects(refused.seal(keyOf("a")), { ...wrong, message: /base64/ });
    writeKey(path);
    const text = readFileSync(path, "utf8");
    assert.ok(await refused.seal(keyOf("a")));
    assert.ok(await sealed.seal(keyOf("a")));
    assert.equal(readFileSync(path, "utf8"), text);
    assert.deepEqual([...sealed.notices], []);
    assert.equal(
      await (await SealedStore.on(one, filesOf(path))).open(identityOf("a")),
      pemOf("a"),
    );
  });

  it("are removed without a master key, and then any master key will do", async () => {
    const { path } = await makePlace();
    const store = new MemoryStore();
    await (await SealedStore.on(store, filesOf(path))).seal(keyOf("a"));
    rmSync(path);
    const without = await SealedStore.on(store, filesOf(path));
    assert.ok(await without.remove("a"));
    assert.deepEqual([...without.notices.keys()], []);
    assert.ok(await without.seal(keyOf("b")));
    assert.equal(await without.open(identityOf("b")), pemOf("b"));
  });

  it("do not open when rows were swapped, altered or taken from another store", async () => {
    const { path } = await makePlace();
    const sealed = await SealedStore.on(new MemoryStore(), filesOf(path));
    const elsewhere = await SealedStore.on(new MemoryStore(), filesOf(path));
    await sealed.seal(keyOf("a"), keyOf("b"));
    await elsewhere.seal(keyOf("a"));
    const rows = await sealed.sealed();
    const [a, b] = ["a", "b"].map((name) => rows.get(name));
    const [foreign] = [...(await elsewhere.sealed()).values()];
    await assert.rejects(sealed.keys.open(identityOf("a"), b), damaged);
    await assert.rejects(sealed.keys.open(identityOf("b"), a), damaged);
    await assert.rejects(sealed.keys.open(identityOf("a"), foreign), damaged);
    await assert.rejects(sealed.keys.open(identityOf("a"), { ...a, format: 2 }), damaged);
    await assert.rejects(sealed.keys.open(identityOf("a"), undefined), damaged);
    assert.equal(await sealed.keys.open(identityOf("a"), a), pemOf("a"));
  });

  it("do not open with data keys of another store that were put into this one", async () => {
    const { path } = await makePlace();
    const [one, other] = [new MemoryStore(), new MemoryStore()];
    const sealed = await SealedStore.on(one, filesOf(path));
    await sealed.seal(keyOf("a"));
    const elsewhere = await SealedStore.on(other, filesOf(path));
    await elsewhere.seal(keyOf("a"));
    const [head, foreign] = [await one.head(DATA_KEYS_LINE), await other.head(DATA_KEYS_LINE)];
    assert.ok(head !== undefined && foreign !== undefined);
    const { texts } = await new EntryTrees(other).read(foreign.roots["keys"] ?? "");
    const { root } = await new EntryTrees(one).write(texts);
    const { number } = head;
    await one.advance([{ ...head, roots: { keys: root }, number: number + 1, parent: number }]);
    const [a] = [...(await elsewhere.sealed()).values()];
    const altered = await SealedStore.on(one, filesOf(path));
    assert.equal(await elsewhere.keys.open(identityOf("a"), a), pemOf("a"));
    await assert.rejects(altered.keys.open(identityOf("a"), a), damaged);
  });

  it("are refused if a newer program has written the data keys", async () => {
    const { path } = await makePlace();
    const store = new MemoryStore();
    const sealed = await SealedStore.on(store, filesOf(path));
    await sealed.seal(keyOf("a"));
    const head = await store.head(DATA_KEYS_LINE);
    assert.ok(head !== undefined);
    const { number } = head;
    await store.advance([{ ...head, number: number + 1, parent: number, schema: 2 }]);
    const tooNew = { code: "state-too-new" };
    await assert.rejects((await SealedStore.on(store, filesOf(path))).seal(keyOf("b")), tooNew);
  });
});

describe("a change of the master key", () => {
  it("changes every data key, and afterwards the key before opens nothing", async () => {
    const { path, nextPath } = await makePlace();
    const store = new MemoryStore();
    const sealed = await SealedStore.on(store, filesOf(path));
    const names = Array.from({ length: 450 }, (_, at) => `n${at}`);
    await sealed.seal(...names.map(keyOf));
    const before = await sealed.sealed();
    const change = await sealed.keys.changeMasterKey(filesOf(nextPath, path));
    assert.deepEqual([change.isMade, change.rewrapped, change.damaged], [true, 450, 0]);
    assert.match(change.place, /next\.key/);
    // What was sealed is as it was: only the data keys were wrapped anew.
    assert.deepEqual(await sealed.sealed(), before);
    const after = await SealedStore.on(store, filesOf(nextPath));
    for (const name of names) {
      assert.equal(await sealed.open(identityOf(name)), pemOf(name));
      assert.equal(await after.open(identityOf(name)), pemOf(name));
    }
    await assert.rejects(
      (await SealedStore.on(store, filesOf(path))).open(identityOf("n1")),
      wrong,
    );
    const repeated = await sealed.keys.changeMasterKey(filesOf(nextPath, path));
    assert.deepEqual(repeated, { ...change, isMade: false, rewrapped: 0 });
    assert.ok(await sealed.seal(keyOf("later")));
    assert.equal(await sealed.open(identityOf("later")), pemOf("later"));
    assert.equal((await store.heads(DATA_KEYS_LINE, 99, 99)).length, 1);
  });

  it("is refused if the key in use is at neither place, and nothing changes", async () => {
    const { folder, path, nextPath } = await makePlace();
    const sealed = await SealedStore.on(new MemoryStore(), filesOf(path));
    await sealed.seal(keyOf("a"));
    writeKey(join(folder, "stranger.key"));
    for (const previous of [undefined, join(folder, "none.key"), join(folder, "stranger.key")]) {
      const message = /Set director\.previousMasterKey/;
      const places = filesOf(nextPath, previous);
      await assert.rejects(sealed.keys.changeMasterKey(places), { ...wrong, message });
      assert.equal(await sealed.open(identityOf("a")), pemOf("a"));
      assert.ok(await sealed.seal(keyOf("b")));
    }
    assert.equal(statSync(nextPath, { throwIfNoEntry: false }), undefined);
  });

  it("is refused if the new key cannot be used, and nothing changes", async () => {
    const { folder, path, nextPath } = await makePlace();
    const sealed = await SealedStore.on(new MemoryStore(), filesOf(path));
    await sealed.seal(keyOf("a"));
    writeFileSync(nextPath, "no key", { mode: 0o600 });
    const refusals = [
      [nextPath, "master-key-wrong"],
      [folder, "master-key-wrong"],
      [join(folder, "none", "deep", "master.key"), "file-unwritable"],
      [join(nextPath, "master.key"), "master-key-wrong"],
    ] as const;
    for (const [next, code] of refusals) {
      await assert.rejects(sealed.keys.changeMasterKey(filesOf(next, path)), { code }, next);
      assert.equal(await sealed.open(identityOf("a")), pemOf("a"));
      assert.ok(await sealed.seal(keyOf("b")));
    }
  });

  it("is unfinished after a start that finds both keys, which works with the key before", async () => {
    const { path, nextPath } = await makePlace();
    const store = new MemoryStore();
    await (await SealedStore.on(store, filesOf(path))).seal(keyOf("a"));
    const none = await SealedStore.on(store, filesOf(nextPath, path));
    assert.match(none.notices.get("master-key-change-unfinished") ?? "", /tlsd set master-key/);
    assert.equal(await none.open(identityOf("a")), pemOf("a"));
    writeKey(nextPath);
    const both = await SealedStore.on(store, filesOf(nextPath, path));
    assert.deepEqual([...both.notices.keys()], ["master-key-change-unfinished"]);
    assert.ok(await both.seal(keyOf("b")));
    assert.equal((await both.keys.changeMasterKey(filesOf(nextPath, path))).rewrapped, 2);
    assert.deepEqual([...both.notices], []);
    const after = await SealedStore.on(store, filesOf(nextPath, path));
    assert.deepEqual([...after.notices], []);
    assert.equal(await after.open(identityOf("b")), pemOf("b"));
  });

  it("leaves a damaged data key as it is, and tells how many there are", async () => {
    const { path, nextPath } = await makePlace();
    const store: Store = new MemoryStore();
    const sealed = await SealedStore.on(store, filesOf(path));
    await sealed.seal(keyOf("a"), keyOf("b"));
    const values = store.values.bind(store);
    const id = (await sealed.sealed()).get("a")?.dataKey ?? "";
    // The values of data keys have three fields.
    store.values = async (hashes) => {
      const found = new Map(await values(hashes));
      let isFirst = true;
      for (const [hash, text] of found) {
        if (!text.startsWith('{"nonce":') || !isFirst) continue;
        isFirst = false;
        found.set(hash, text.replace(/"tag":"./, '"tag":"*'));
      }
      return found;
    };
    const again = await SealedStore.on(store, filesOf(path));
    const change = await again.keys.changeMasterKey(filesOf(nextPath, path));
    assert.deepEqual([change.rewrapped, change.damaged], [1, 1], id);
    const opened = await Promise.allSettled(["a", "b"].map((name) => again.open(identityOf(name))));
    assert.deepEqual(opened.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
  });

  it("makes the key while nothing is sealed, so that it can be backed up before", async () => {
    const { path, nextPath } = await makePlace();
    const sealed = await SealedStore.on(new MemoryStore(), filesOf(path));
    const made = await sealed.keys.changeMasterKey(filesOf(path));
    assert.deepEqual([made.isMade, made.rewrapped], [true, 0]);
    assert.ok(sealed.notices.has("master-key-made"));
    const next = await sealed.keys.changeMasterKey(filesOf(nextPath));
    assert.notEqual(next.id, made.id);
    await sealed.seal(keyOf("a"));
    rmSync(path);
    assert.equal(await sealed.open(identityOf("a")), pemOf("a"));
  });

  it("uses a key that was read before if its file cannot be read any more", async () => {
    const { path, nextPath } = await makePlace();
    const store = new MemoryStore();
    const sealed = await SealedStore.on(store, filesOf(path));
    await sealed.seal(keyOf("a"));
    // This is what a control process finds in a file that root has opened for it at the start.
    chmodSync(path, 0o644);
    assert.equal((await sealed.keys.changeMasterKey(filesOf(nextPath, path))).rewrapped, 1);
    assert.equal(await sealed.open(identityOf("a")), pemOf("a"));
  });
});

describe("the database of sealed keys", () => {
  const everyByteIn = (folder: string): string =>
    readdirSync(folder)
      .filter((name) => name.startsWith("state.db"))
      .map((name) => readFileSync(join(folder, name), "latin1"))
      .join("\n");

  it("has nothing of a data key after it was removed or wrapped anew, also in its log and free pages", async () => {
    const { folder, path, nextPath } = await makePlace();
    const sealed = await SealedStore.in(folder, filesOf(path));
    await sealed.seal(keyOf("a"), keyOf("b"));
    const wrappedOf = async (): Promise<readonly string[]> => {
      const text = everyByteIn(folder);
      return [
        ...new Set([...text.matchAll(/\{"nonce":"([\w-]+)"/g)].map(([, nonce]) => nonce ?? "")),
      ];
    };
    const before = await wrappedOf();
    assert.equal(before.length, 2);
    await sealed.remove("a");
    const afterRemoval = await wrappedOf();
    assert.equal(afterRemoval.length, 1);
    assert.equal(statSync(join(folder, "state.db-wal")).size, 0);
    await sealed.keys.changeMasterKey(filesOf(nextPath, path));
    const afterChange = await wrappedOf();
    assert.equal(afterChange.length, 1);
    assert.ok(!before.includes(afterChange[0] ?? ""));
    assert.equal(statSync(join(folder, "state.db-wal")).size, 0);
    assert.equal(await sealed.open(identityOf("b")), pemOf("b"));
  });

  it("opens its keys after it was restored from a backup as another store", async () => {
    const { folder, path } = await makePlace();
    const sealed = await SealedStore.in(folder, filesOf(path));
    await sealed.seal(keyOf("a"));
    const lines: string[] = [];
    for await (const line of writeBackup(sealed.store, "0.2.0")) lines.push(line);
    const backup = lines.join("");
    assert.ok(!backup.includes(pemOf("a").split("\n")[0] ?? "-"));
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from(backup);
    };
    const other = new MemoryStore();
    await readBackup(chunks(), other);
    assert.notEqual(await other.id(), await sealed.store.id());
    const restored = await SealedStore.on(other, filesOf(path));
    assert.equal(await restored.open(identityOf("a")), pemOf("a"));
    assert.ok(await restored.seal(keyOf("b")));
    assert.equal(await restored.open(identityOf("b")), pemOf("b"));
  });
});
