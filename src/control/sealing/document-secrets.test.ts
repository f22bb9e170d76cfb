import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { unopenedSecretOf } from "#model/document/secrets.ts";
import type { Author } from "#model/records/revision.ts";
import { readLine, writeLine } from "#harness/one-value-line.ts";
import { filesOf, SealedStore } from "#harness/sealed-store.ts";
import { textTraces } from "#harness/key-traces.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { writeBackup } from "../state/backup/write-backup.ts";
import { readBackup } from "../state/backup/read-backup.ts";
import { DATA_KEYS_LINE, DOCUMENT_LINE, SECRET_KEY_LINE } from "../state/document-lines.ts";
import type { EntrySecrets } from "../state/entry-secrets.ts";
import { EntryTrees } from "../state/entry-trees.ts";
import { MemoryStore } from "../state/memory-store.ts";
import type { Store } from "../state/store.ts";
import { TreeDocumentStore } from "../state/tree-document-store.ts";
import { DocumentSecrets } from "./document-secrets.ts";
import { newMasterKeyText } from "./master-key.ts";
import { sealStoredSecrets } from "./seal-stored-secrets.ts";

const program = "0.2.0";
const by: Author = { origin: "socket" };
const first = "the first passphrase";
const second = 'a "second" pässphrase';
const wrong = { code: "master-key-wrong" };

const documentWith = (passphrase: string, more: WrittenDocument = {}): WrittenDocument => ({
  certificates: {
    plain: { chain: "/a/plain.pem" },
    shop: { chain: "/a/shop.pem", key: "/a/shop.key", passphrase },
    other: { chain: "/a/other.pem", passphrase: first },
  },
  ...more,
});

const servers = (address: string): WrittenDocument => ({ servers: { web: { address } } });

interface Opened {
  readonly documents: TreeDocumentStore;
  readonly sealed: SealedStore;
  readonly save: (document: WrittenDocument, file?: WrittenDocument) => Promise<string>;
}

async function open(store: Store, keyFile: string): Promise<Opened> {
  return withKeys(await SealedStore.on(store, filesOf(keyFile)));
}

function withKeys(sealed: SealedStore): Opened {
  const secrets = new DocumentSecrets(sealed.keys);
  const documents = new TreeDocumentStore({ store: sealed.store, secrets, folder: "/", program });
  return { documents, sealed, save: (...saved) => saveNext(documents, ...saved) };
}

async function saveNext(
  documents: TreeDocumentStore,
  document: WrittenDocument,
  file?: WrittenDocument,
): Promise<string> {
  const parent = (await documents.latest())?.record.revision ?? 0;
  const rest = file === undefined ? {} : { file };
  return (await documents.save({ parent, document, by, cause: "change", ...rest })).hash;
}

async function makePlace(): Promise<{ readonly data: string; readonly keyFile: string }> {
  const folder = await makeTempFolder();
  mkdirSync(join(folder, "data"));
  return { data: join(folder, "data"), keyFile: join(folder, "data-key", "master.key") };
}

/** How earlier versions stored documents. */
const unsealed: EntrySecrets = {
  sealed: async (stored) => ({ stored, isSealed: false }),
  opened: async (stored) => stored,
  assume: async () => false,
  canReopen: async () => false,
};

async function fillAsBefore(store: Store): Promise<readonly WrittenDocument[]> {
  const documents = new TreeDocumentStore({ store, secrets: unsealed, folder: "/", program });
  const saved = [
    servers("::1"),
    documentWith(first),
    documentWith(first, servers("::2")),
    servers("::2"),
    documentWith(second, servers("::2")),
  ];
  for (const document of saved) await saveNext(documents, document, documentWith(second));
  await writeLine(store, SECRET_KEY_LINE, JSON.stringify(first));
  return saved;
}

function passphraseIn({ certificates = {} }: WrittenDocument): string {
  const { passphrase } = certificates["shop"] as { readonly passphrase: string };
  return passphrase;
}

function assertNothingIn(text: string): void {
  for (const secret of [first, second]) {
    const found = textTraces(secret).concat(JSON.stringify(secret).slice(1, -1));
    assert.equal(
      found.findIndex((trace) => text.includes(trace)),
      -1,
    );
  }
}

function assertNothingInFiles(folder: string): void {
  const names = readdirSync(folder);
  assert.ok(names.includes("state.db"));
  for (const name of names) assertNothingIn(readFileSync(join(folder, name), "latin1"));
}

async function backupOf(store: Store): Promise<string> {
  return (await Array.fromAsync(writeBackup(store, program))).join("");
}

describe("secrets of the document", () => {
  it("are sealed in the store with a master key that is made for the first of them", async () => {
    const { data, keyFile } = await makePlace();
    const sealed = await SealedStore.in(data, filesOf(keyFile));
    const { documents, save } = withKeys(sealed);
    await save(servers("::1"));
    assert.equal(statSync(keyFile, { throwIfNoEntry: false }), undefined);
    assert.equal(await sealed.store.head(DATA_KEYS_LINE), undefined);
    const fingerprintKey = sealed.keys.fingerprintKey.toString("hex");

    await save(documentWith(first), documentWith(second));
    assert.match(sealed.notices.get("master-key-made") ?? "", /passphrases/);
    await save(documentWith(second, servers("::1")));
    assertNothingInFiles(data);
    assertNothingIn(await backupOf(sealed.store));
    await documents.close();

    const again = await SealedStore.in(data, filesOf(keyFile));
    for (const reader of [withKeys(again).documents]) {
      const latest = await reader.latest();
      assert.deepEqual(latest?.document, documentWith(second, servers("::1")));
      assert.deepEqual(latest?.file, documentWith(second));
      assert.deepEqual((await reader.revision(2)).document, documentWith(first));
      assert.deepEqual([...(await reader.changedEntries(3))].toSorted(), [
        "certificates/shop",
        "servers/web",
      ]);
    }
    assert.equal(again.keys.fingerprintKey.toString("hex"), fingerprintKey);
    await again.store.close();
    assertNothingInFiles(data);
  });

  it("cost a change only what it touches, also after a start", async () => {
    const { keyFile } = await makePlace();
    const store = new MemoryStore();
    const { save } = await open(store, keyFile);
    const file = documentWith(first);
    await save(documentWith(first), file);
    const put: string[] = [];
    const putInto = store.put.bind(store);
    store.put = (values) => {
      put.push(...values);
      return putInto(values);
    };
    for (const one of [save, (await open(store, keyFile)).save]) {
      put.length = 0;
      await one(documentWith(first, servers(`::${put.length + 1}`)), file);
      // The entry, and a leaf of the document and of the file.
      assert.ok(put.length <= 3, `${put.length} values`);
      assert.ok(!put.some((value) => value.includes('"sealed":')));
    }
    put.length = 0;
    await save(documentWith(second));
    assert.equal(put.filter((value) => value.includes('"sealed":')).length, 1);
  });

  it("cannot be guessed from the hash of a revision", async () => {
    const { keyFile } = await makePlace();
    const { save } = await open(new MemoryStore(), keyFile);
    const hashes = [first, second, first].map((passphrase) => documentWith(passphrase));
    const seen = new Set<string>();
    for (const document of hashes) seen.add(await save(document));
    assert.equal(seen.size, 3);
    // Nothing has changed.
    assert.ok(seen.has(await save(documentWith(first))));
  });

  it("cannot be put in each other's place", async () => {
    const { keyFile } = await makePlace();
    const store = new MemoryStore();
    const { save } = await open(store, keyFile);
    await save(documentWith(second));
    const head = await store.head(DOCUMENT_LINE);
    assert.ok(head !== undefined);
    const trees = new EntryTrees(store);
    const tree = await trees.read(head.roots["document"] ?? "");
    const texts = new Map(tree.texts);
    const sealedIn = (name: string): string =>
      /"passphrase":(\{.*\}\})/.exec(texts.get(`certificates/${name}`) ?? "")?.[1] ?? "";
    const shop = texts.get("certificates/shop") ?? "";
    texts.set("certificates/shop", shop.replace(sealedIn("shop"), sealedIn("other")));
    const { root } = await trees.write(texts, tree);
    await store.advance([{ ...head, number: 2, parent: 1, roots: { document: root } }]);
    const { documents } = await open(store, keyFile);
    const document = (await documents.latest())?.document ?? {};
    assert.match(passphraseIn(document), /^secret:damaged:/);
    assert.deepEqual(document.certificates?.["other"], documentWith("").certificates?.["other"]);
  });

  it("are not lost while the master key is missing, and come back with it", async () => {
    const { data, keyFile } = await makePlace();
    const store = new MemoryStore();
    await (await open(store, keyFile)).save(documentWith(second, servers("::1")));
    const key = readFileSync(keyFile);
    rmSync(keyFile);
    for (const text of [undefined, newMasterKeyText()]) {
      if (text !== undefined) writeFileSync(keyFile, text, { mode: 0o600 });
      const { documents, save, sealed } = await open(store, keyFile);
      assert.ok(sealed.notices.has("master-key-wrong"));
      const locked = (await documents.latest())?.document ?? {};
      assert.match(passphraseIn(locked), /^secret:locked:/);
      // Other changes go on, of the certificate too.
      const shop = { ...(locked.certificates?.["shop"] as object), chain: "/b/shop.pem" };
      await save({ ...locked, certificates: { ...locked.certificates, shop } });
      await save({ ...locked, ...servers("::2") });
      await assert.rejects(save(documentWith("a third one")), wrong);
      const unknown = unopenedSecretOf("locked", "A".repeat(43));
      await assert.rejects(save(documentWith(unknown)), { code: "document-invalid" });
      // An undo brings back what was sealed before.
      const { document } = await documents.revision(1);
      await save(document);
    }
    writeFileSync(keyFile, key, { mode: 0o600 });
    const { documents } = await open(store, keyFile);
    assert.deepEqual((await documents.latest())?.document, documentWith(second, servers("::1")));
    assert.deepEqual((await documents.revision(2)).document.certificates?.["shop"], {
      ...(documentWith(second).certificates?.["shop"] as object),
      chain: "/b/shop.pem",
    });
    assert.deepEqual(readdirSync(data), []);
  });

  it("are taken from the file while the master key is missing", async () => {
    const { keyFile } = await makePlace();
    const store = new MemoryStore();
    const file = documentWith(second);
    await (await open(store, keyFile)).save(documentWith(second, servers("::1")), file);
    const key = readFileSync(keyFile);
    rmSync(keyFile);
    const { documents, save } = await open(store, keyFile);
    const latest = await documents.latest(file);
    assert.deepEqual(latest?.file, file);
    assert.deepEqual(latest?.document, documentWith(second, servers("::1")));
    await save(documentWith(second, servers("::2")));
    await assert.rejects(save(documentWith("another")), wrong);
    // A new passphrase in the file is served, and is noticed as a change when the key is back.
    const changed = documentWith("a new passphrase");
    const { documents: later } = await open(store, keyFile);
    assert.deepEqual((await later.latest(changed))?.file, changed);
    writeFileSync(keyFile, key, { mode: 0o600 });
    const { documents: again } = await open(store, keyFile);
    const opened = await again.latest(changed);
    assert.deepEqual(opened?.file, file);
    assert.deepEqual(opened?.document, documentWith(second, servers("::2")));
  });

  it("stay in all revisions when the master key changes, and in a backup", async () => {
    const { keyFile } = await makePlace();
    const store = new MemoryStore();
    const { save, sealed } = await open(store, keyFile);
    await save(documentWith(first));
    await save(documentWith(second));
    const next = `${keyFile}.2`;
    const places = { current: filesOf(next).current, previous: filesOf(keyFile).current };
    const change = await sealed.keys.changeMasterKey(places);
    assert.equal(change.rewrapped, 1);
    const copy = new MemoryStore();
    await readBackup(
      [Buffer.from(await backupOf(store))] as unknown as AsyncIterable<Buffer>,
      copy,
    );
    for (const one of [store, copy]) {
      const { documents } = await open(one, next);
      assert.deepEqual((await documents.revision(1)).document, documentWith(first));
      assert.deepEqual((await documents.latest())?.document, documentWith(second));
      const { sealed: old } = await open(one, keyFile);
      assert.ok(old.notices.has("master-key-wrong"));
    }
  });
});

describe("secrets that an earlier version has stored", () => {
  it("are sealed in all revisions at the start, and nothing of them is left", async () => {
    const { data, keyFile } = await makePlace();
    const sealed = await SealedStore.in(data, filesOf(keyFile));
    const saved = await fillAsBefore(sealed.store);
    const before = await sealed.store.heads(DOCUMENT_LINE, 99, 99);
    const { documents, save } = withKeys(sealed);
    await sealStoredSecrets({ store: documents, notices: noticesOf(sealed) });
    assertNothingInFiles(data);
    assertNothingIn(await backupOf(sealed.store));
    assert.equal(await readLine(sealed.store, SECRET_KEY_LINE), undefined);
    const after = await sealed.store.heads(DOCUMENT_LINE, 99, 99);
    const factsOf = ({ number, parent, at, note }: (typeof after)[number]) =>
      JSON.stringify([number, parent, at, note]);
    assert.deepEqual(after.map(factsOf), before.map(factsOf));
    for (const reader of [documents, withKeys(sealed).documents]) {
      for (const [at, document] of saved.entries()) {
        assert.deepEqual((await reader.revision(at + 1)).document, document);
      }
      assert.deepEqual((await reader.latest())?.file, documentWith(second));
    }
    await save(documentWith(first));
    await sealed.store.close();
    assertNothingInFiles(data);
  });

  it("are sealed also if the director is killed at any step", async () => {
    const { keyFile } = await makePlace();
    writeFileSync(join(keyFile, "..", "..", "made.key"), newMasterKeyText(), { mode: 0o600 });
    const made = join(keyFile, "..", "..", "made.key");
    for (let step = 1; ; step += 1) {
      const store = new MemoryStore();
      const saved = await fillAsBefore(store);
      const failing = failingAfter(store, step);
      const { documents } = await open(failing.store, made);
      const isDone = await documents.sealHistory().then(
        () => true,
        () => false,
      );
      const next = await open(store, made);
      await next.documents.sealHistory();
      for (const [at, document] of saved.entries()) {
        assert.deepEqual((await next.documents.revision(at + 1)).document, document);
      }
      const heads = await store.heads(DOCUMENT_LINE, 99, 99);
      assert.ok(heads.every(({ schema }) => schema === 3));
      assertNothingIn(await backupOf(store));
      if (isDone) break;
      assert.ok(step < 60);
    }
  });

  it("stay as they are with a notice while there is no master key, and changes go on", async () => {
    const { data, keyFile } = await makePlace();
    const missing = join(data, "no-folder", "no-folder", "master.key");
    const store = new MemoryStore();
    const saved = await fillAsBefore(store);
    const { documents, sealed, save } = await open(store, missing);
    await save(documentWith(second));
    await sealStoredSecrets({ store: documents, notices: noticesOf(sealed) });
    assert.match(sealed.notices.get("secrets-unsealed") ?? "", /tlsd set master-key/);
    await save(documentWith(second, servers("::9")));
    await assert.rejects(save(documentWith(first)), { code: "file-unwritable" });
    const next = await open(store, keyFile);
    await sealStoredSecrets({ store: next.documents, notices: noticesOf(next.sealed) });
    assert.deepEqual([...next.sealed.notices.keys()], ["master-key-made"]);
    assertNothingIn(await backupOf(store));
    assert.deepEqual((await next.documents.revision(2)).document, saved[1]);
    const latest = await next.documents.latest();
    assert.deepEqual(latest?.document, documentWith(second, servers("::9")));
  });
});

const noticesOf = ({ notices }: SealedStore) => ({
  raise: ({ event, text }: { readonly event: string; readonly text: string }) =>
    void notices.set(event, text),
  clear: (event: string) => void notices.delete(event),
});

/** A store whose writes fail from the one with the number `step` on. */
function failingAfter(store: Store, step: number): { readonly store: Store } {
  let writes = 0;
  const names = ["put", "advance", "rewrite", "forget", "erase", "scrub"];
  const failing = new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: readonly unknown[]) => {
        if (names.includes(String(name))) writes += 1;
        if (writes >= step) return Promise.reject(new Error("killed"));
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
  return { store: failing };
}
