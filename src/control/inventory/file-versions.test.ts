import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { parseDocument } from "#model/document/parse-document.ts";
import { DirectorError } from "#model/failure.ts";
import type { CertificateVersionShape } from "#model/records/certificate-version.ts";
import { eventually } from "#harness/deadline.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { testReading } from "#harness/material-reader.ts";
import { filesOf } from "#harness/sealed-store.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "#harness/test-ca.ts";
import { lastGoodEntries } from "../certificates/last-good.ts";
import { loadSources } from "../certificates/load-sources.ts";
import { sourcesOf, type DocumentInForce } from "../certificates/source-entry.ts";
import { MasterKeys } from "../sealing/master-keys.ts";
import { SealedKeys } from "../sealing/sealed-keys.ts";
import { INVENTORY_LINE } from "../state/document-lines.ts";
import { MemoryStore } from "../state/memory-store.ts";
import type { Head } from "../state/store.ts";
import { FileVersions } from "./file-versions.ts";
import { Inventory } from "./inventory.ts";
import { shownVersionOf } from "./version-record.ts";

/** Counts what is asked of it, and fails on demand. */
class WatchedStore extends MemoryStore {
  advances = 0;
  valuesRead = 0;
  isFailing = false;

  override async advance(heads: readonly Head[]): Promise<boolean> {
    if (this.isFailing) throw new DirectorError("state-unwritable", "The disk is full.");
    if (heads.some(({ line }) => line === INVENTORY_LINE)) this.advances += 1;
    return super.advance(heads);
  }

  override async values(hashes: readonly string[]): Promise<ReadonlyMap<string, string>> {
    this.valuesRead += hashes.length;
    return super.values(hashes);
  }
}

describe("versions of certificates in files", () => {
  const reading = testReading();
  let folder: string;
  let keyPath: string;
  let ca: TestCa;
  let store: WatchedStore;

  beforeEach(async () => {
    folder = await makeTempFolder();
    keyPath = join(folder, "keys", "master.key");
    ca = await createTestCa();
    store = new WatchedStore();
  });

  const issue = (options: object = {}): Promise<IssuedCertificate> =>
    ca.issue({ names: ["shop.example", "www.shop.example"], ...options });

  /** A director as far as it keeps versions of files. */
  class Director {
    readonly inventory: Inventory;
    readonly notices = new Map<string, string>();
    readonly #sealedKeys: SealedKeys;
    readonly #versions: FileVersions;
    inForce: DocumentInForce | undefined;

    private constructor(masterKeys: MasterKeys) {
      const notices = {
        raise: ({ event, text }: { readonly event: string; readonly text: string }) =>
          void this.notices.set(event, text),
        clear: (event: string) => void this.notices.delete(event),
      };
      const program = "0.2.0";
      this.#sealedKeys = new SealedKeys({ store, program, masterKeys, notices });
      this.inventory = new Inventory({ store, program, sealedKeys: this.#sealedKeys });
      this.#versions = new FileVersions({
        ...{ inventory: this.inventory, notices },
        inForce: () => this.inForce,
        inTurn: (work) => work(),
        onFault: (error) => assert.fail(String(error)),
        retryMs: 50,
        noteAfterMs: 50,
      });
    }

    static async start(settings: object = {}, names = ["shop"]): Promise<Director> {
      const director = new Director(await MasterKeys.read(filesOf(keyPath)));
      await director.#sealedKeys.start();
      await director.inventory.start();
      const shop = { chain: "shop.pem", key: "shop.key", ...settings };
      const certificates = Object.fromEntries(names.map((name) => [name, shop]));
      const { draft } = parseDocument({ certificates });
      const { entries } = await loadSources(draft, folder, reading);
      const parts = { ...reading, kept: director.inventory };
      const kept = await lastGoodEntries(entries, parts, Date.now());
      const all = { ...entries, certificates: new Map([...entries.certificates, ...kept]) };
      director.inForce = { document: draft, entries: all, sources: sourcesOf(all) };
      director.#versions.note("all");
      director.#versions.start();
      closeAtTestEnd(() => director.stop());
      return director;
    }

    /** Reads the files again, as the watch of files does. */
    async look(): Promise<void> {
      assert.ok(this.inForce !== undefined);
      const { document } = this.inForce;
      const { entries } = await loadSources(document, folder, reading, this.inForce.entries);
      this.inForce = { document, entries, sources: sourcesOf(entries) };
      this.#versions.note(Object.keys(document.certificates));
    }

    get entry() {
      const entry = this.inForce?.entries.certificates.get("shop");
      assert.ok(entry !== undefined);
      return entry;
    }

    get serial(): string | undefined {
      return this.entry.version?.facts.serialNumber.toLowerCase();
    }

    get refusals(): readonly string[] {
      return this.entry.refusals.map(({ code }) => code);
    }

    /** One text for each version, such as `1 active key`. */
    get states(): readonly string[] {
      return this.inventory
        .record("shop")
        .versions.map(({ id, state, sealedKey }) =>
          [id, state, ...(sealedKey === undefined ? [] : ["key"])].join(" "),
        );
    }

    get shown(): readonly CertificateVersionShape[] {
      return this.inventory.record("shop").versions.map(shownVersionOf);
    }

    until(...states: readonly string[]): Promise<unknown> {
      return eventually(() => String(this.states) === String(states), 5_000, String(states));
    }

    /** Everything is saved, so that the next start need not compare. */
    untilNoted(): Promise<unknown> {
      return eventually(async () => {
        const head = await store.head(INVENTORY_LINE);
        return head?.note["filesDigest"] !== undefined;
      }, 8_000);
    }

    stop(): void {
      this.#versions.close();
    }
  }

  it("come with their key, who brought them, when and from which files, and replace each other", async () => {
    const one = await issue();
    await one.writeTo(folder, "shop");
    const director = await Director.start();
    await director.until("1 active key");
    const [first] = director.shown;
    assert.deepEqual(first?.by, { origin: "certificate-watcher" });
    assert.equal(first.from, `${join(folder, "shop.pem")}, ${join(folder, "shop.key")}`);
    assert.equal(first.facts?.serialNumber.toLowerCase(), one.serial);
    assert.ok(Math.abs(Date.parse(first.at) - Date.now()) < 60_000);
    assert.match(director.notices.get("master-key-made") ?? "", /Back it up/);

    const before = director.inventory.record("shop").versions[0];
    const two = await issue();
    await two.writeTo(folder, "shop");
    await director.look();
    // Nothing goes back to the first one, so its key is removed.
    await director.until("1 previous", "2 active key");
    assert.ok(before !== undefined);
    await assert.rejects(director.inventory.openKey("shop", before), {
      code: "sealed-key-damaged",
    });
    assert.equal(
      await director.inventory.openKey(
        "shop",
        director.inventory.record("shop").versions[1] ?? before,
      ),
      director.entry.version?.material.key.open(),
    );
  });

  it("are saved in few transactions, and a start with the same files reads and writes nothing", async () => {
    const names = Array.from({ length: 260 }, (_, at) => `shop${at}`);
    await (await issue()).writeTo(folder, "shop");
    const director = await Director.start({}, ["shop", ...names]);
    await director.untilNoted();
    assert.deepEqual(director.states, ["1 active key"]);
    // Two batches, the first of them without keys before, and the note.
    assert.ok(store.advances <= 4, `${store.advances} transactions`);
    director.stop();

    const { advances } = store;
    store.valuesRead = 0;
    const again = await Director.start({}, ["shop", ...names]);
    assert.equal(again.refusals.length, 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    // The data keys are not those of the inventory.
    assert.equal(again.inventory.ofFiles("shop"), undefined, "the inventory was read");
    assert.equal(store.advances, advances);
  });

  /** Puts files in the place of good ones between two starts. Resolves to the second director. */
  async function restartWith(
    replace: () => Promise<unknown>,
    settings: object = {},
  ): Promise<{ readonly good: IssuedCertificate; readonly director: Director }> {
    const good = await issue();
    await good.writeTo(folder, "shop");
    const before = await Director.start(settings);
    await before.until(settings === FORGETFUL ? "1 active" : "1 active key");
    before.stop();
    await replace();
    return { good, director: await Director.start(settings) };
  }

  const FORGETFUL = { keepLastGood: false };
  const put = (files: Readonly<Record<string, string>>) => () => writeFiles(folder, files);
  const issued = (options: object) => async (): Promise<void> =>
    void (await (await issue(options)).writeTo(folder, "shop"));

  const bad = [
    ["garbage", put({ "shop.pem": "garbage" }), "certificate-malformed"],
    ["an empty key", put({ "shop.key": "" }), "key-malformed"],
    [
      "the key of another",
      async () => writeFiles(folder, { "shop.key": (await issue()).keyPem }),
      "key-mismatch",
    ],
    ["an expired certificate", issued({ validity: "expired" }), "certificate-expired"],
    ["fewer names", issued({ names: ["shop.example"] }), "fewer-names"],
    ["another type of key", issued({ keyType: "rsa" }), "other-key-type"],
  ] as const;
  for (const [what, replace, code] of bad) {
    it(`serve after a restart in place of ${what}, until the files are good`, async () => {
      const { good, director } = await restartWith(replace);
      assert.equal(director.serial, good.serial);
      assert.equal(director.refusals[0], code);
      assert.deepEqual(
        director.entry.warnings.map((warning) => warning.code),
        ["last-good-served"],
      );
      const next = await issue();
      await next.writeTo(folder, "shop");
      await director.look();
      assert.deepEqual([director.serial, director.refusals], [next.serial, []]);
      await director.until("1 previous", "2 active key");
    });
  }

  it("serve after a restart until a certificate in the files is valid, which is staged", async () => {
    const { good, director } = await restartWith(() =>
      issued({ notBefore: new Date(Date.now() + 5_000) })(),
    );
    assert.equal(director.serial, good.serial);
    await director.until("1 active key", "2 staged");
    assert.equal(director.shown[1]?.activatesItself, true);
    // The watch of files uses it, and not the schedule of the inventory.
    assert.deepEqual(await director.inventory.waiting(), []);
    await eventually(async () => {
      await director.look();
      return director.refusals.length === 0;
    }, 20_000);
    await director.until("1 previous", "2 active key");
  });

  it("never serve in place of files that were deleted, whose keys are removed", async () => {
    const { director } = await restartWith(() => rm(join(folder, "shop.key")));
    assert.equal(director.serial, undefined);
    await director.until("1 active");
    director.stop();
    // Not either when something comes back that is not good.
    await writeFile(join(folder, "shop.key"), "garbage");
    assert.equal((await Director.start()).serial, undefined);
  });

  it("lose their key if a file is deleted while they are in use, and get it back with the file", async () => {
    const good = await issue();
    await good.writeTo(folder, "shop");
    const director = await Director.start();
    await director.until("1 active key");
    await rm(join(folder, "shop.pem"));
    await director.look();
    await director.until("1 active");
    assert.equal(director.serial, good.serial);
    await good.writeTo(folder, "shop");
    await director.look();
    await director.until("1 active key");
  });

  it("have no key, and no master key is made, with keepLastGood: false", async () => {
    const { director } = await restartWith(put({ "shop.pem": "garbage" }), FORGETFUL);
    assert.equal(director.serial, undefined);
    assert.equal(existsSync(keyPath), false);
    assert.deepEqual(director.states, ["1 active"]);
  });

  it("lose a key that is there when keepLastGood becomes false", async () => {
    const { director } = await restartWith(async () => undefined);
    await director.inventory.load();
    director.stop();
    const forgetful = await Director.start(FORGETFUL);
    await forgetful.until("1 active");
  });

  it("are allowed by the document to make something worse", async () => {
    await (await issue()).writeTo(folder, "shop");
    const director = await Director.start({ allowFewerNames: true });
    const fewer = await issue({ names: ["shop.example"] });
    await fewer.writeTo(folder, "shop");
    await director.look();
    assert.deepEqual([director.serial, director.refusals], [fewer.serial, []]);
    assert.deepEqual(
      director.entry.warnings.map(({ code, severity }) => `${severity} ${code}`),
      ["warning fewer-names"],
    );
  });

  it("are not refused for what they make worse if the version in use has expired", async () => {
    const notAfter = new Date(Date.now() + 5_000);
    await (await issue({ notAfter })).writeTo(folder, "shop");
    const director = await Director.start();
    const fewer = await issue({ names: ["shop.example"] });
    await fewer.writeTo(folder, "shop");
    await director.look();
    assert.deepEqual(director.refusals, ["fewer-names"]);
    await eventually(async () => {
      await director.look();
      return director.serial === fewer.serial;
    }, 20_000);
  });

  it("are saved without keys, and a notice says why, if no master key can be made", async () => {
    keyPath = join(folder, "absent", "keys", "master.key");
    await (await issue()).writeTo(folder, "shop");
    const director = await Director.start();
    await director.until("1 active");
    await eventually(() => director.notices.has("last-good-unkept"));
    assert.match(director.notices.get("last-good-unkept") ?? "", /The files are served.*keys/s);
    await mkdir(join(folder, "absent"));
    await eventually(() => director.states[0] === "1 active key", 12_000);
    await eventually(() => !director.notices.has("last-good-unkept"));
  });

  it("make no master key for a storage that cannot be written, and are saved when it can", async () => {
    store.isFailing = true;
    await (await issue()).writeTo(folder, "shop");
    const director = await Director.start();
    await eventually(() => director.notices.has("last-good-unkept"));
    assert.match(director.notices.get("last-good-unkept") ?? "", /The disk is full/);
    assert.equal(existsSync(keyPath), false);
    store.isFailing = false;
    await eventually(() => director.states[0] === "1 active key", 12_000);
  });

  it("cannot serve with another master key, and a warning says so", async () => {
    const { director } = await restartWith(async () => {
      await writeFiles(folder, { "shop.pem": "garbage" });
      await rm(keyPath);
    });
    assert.equal(director.serial, undefined);
    const [warning] = director.entry.warnings;
    assert.equal(warning?.code, "last-good-unusable");
    assert.match(warning.message, /There is no file .*master\.key/);
  });
});
