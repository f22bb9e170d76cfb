import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { chown } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong, type Engine } from "#harness/engines.ts";
import { makeFaults } from "#harness/faulty-director.ts";
import { assertNoTraces, keyTraces, textsOf, textTraces } from "#harness/key-traces.ts";
import { isEvent } from "#harness/log-capture.ts";
import { environmentOf } from "#harness/process-privileges.ts";
import { servedText, visit } from "#harness/recorded-handshake.ts";
import { scaled } from "#harness/run-length.ts";
import { filesOf, identityOf, SealedStore } from "#harness/sealed-store.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { createTestCa } from "#harness/test-ca.ts";
import { newMasterKeyText } from "#control/sealing/master-key.ts";
import type { FaultPlan } from "../fixtures/fault-plan.ts";

const roundMs = 60_000;
const quick = { orphanGrace: "200ms", drain: "200ms" };
const secretPem = "-----BEGIN PRIVATE KEY-----\nof a certificate that the director keeps\n";
const wrong = "master-key-wrong";
const onlyAsRoot =
  process.getuid?.() === 0
    ? {}
    : { skip: "only root can start a director that gives up privileges" };

function writeKey(path: string, text: Buffer | string = newMasterKeyText()): void {
  writeFileSync(path, text, { mode: 0o600 });
}

/** A folder for a director, whose store has a sealed key already. Its master key is at the default place. */
async function makeSealedFolder(): Promise<{ readonly folder: string; readonly keyFile: string }> {
  const folder = await makeTempFolder();
  mkdirSync(join(folder, "data"), { mode: 0o700 });
  const keyFile = join(folder, "data-key", "master.key");
  const sealed = await SealedStore.in(join(folder, "data"), filesOf(keyFile));
  await sealed.seal({ identity: identityOf("kept"), keyPem: secretPem });
  await sealed.store.close();
  return { folder, keyFile };
}

/** Opens the sealed key in the store of a director that has ended. */
async function openWith(folder: string, keyFile: string): Promise<string> {
  const sealed = await SealedStore.in(join(folder, "data"), filesOf(keyFile));
  try {
    return await sealed.open(identityOf("kept"));
  } finally {
    await sealed.store.close();
  }
}

const noticesOf = ({ logs }: Director): readonly string[] =>
  ["master-key-made", wrong, "master-key-change-unfinished"].filter((event) =>
    logs.some((line) => isEvent(line, event)),
  );

const setMasterKey = (director: Director) =>
  director.api("/v1/master-key", { method: "POST", deadlineMs: roundMs });

function writeDocument(director: Director, settings: object): void {
  writeFileSync(director.documentPath, JSON.stringify({ director: { ...quick, ...settings } }));
}

async function servingShop(engine: Engine, folder: string, settings: object, env = {}) {
  const ca = await createTestCa();
  const issued = await ca.issue({ names: ["shop.example"] });
  await issued.writeTo(folder, "shop");
  const endpoint = await startHttpEndpoint(servedText);
  const ip = uniqueVirtualIp();
  const servers = { web: endpoint.host };
  // Nothing is sealed of such files.
  const certificates = { shop: { chain: "shop.pem", key: "shop.key", keepLastGood: false } };
  const more = { director: settings, certificates };
  const document = shopDocument({ ip, servers, to: endpoint.port, more });
  const director = await startDirector({ document, engine, folder, workers: 1, env });
  const client = { host: ip, port: 8443, ca: ca.certificatePem, servername: "shop.example" };
  return { director, client, issued };
}

describe("the master key", { concurrency: 2 }, () => {
  forEachEngineIfLong("node", (engine) => {
    it("that is another one or missing keeps the director from nothing else, and is not made anew", async () => {
      const { folder, keyFile } = await makeSealedFolder();
      const right = readFileSync(keyFile);
      writeKey(keyFile);
      const { director, client } = await servingShop(engine, folder, quick);
      assert.deepEqual(noticesOf(director), [wrong]);
      const { notices } = await director.status();
      assert.ok(notices.some((text) => text.includes(keyFile)));
      await visit(client);
      const { status, body } = await setMasterKey(director);
      assert.deepEqual([status, (body as { code: string }).code], [500, wrong]);
      await director.stop();

      writeFileSync(keyFile, right);
      const again = await startDirector({
        document: { director: quick },
        engine,
        folder,
        workers: 1,
      });
      assert.deepEqual(noticesOf(again), []);
      await again.stop();
      assert.equal(await openWith(folder, keyFile), secretPem);
    });

    it("is made by a command while nothing is sealed, with a note where it is, and shows nowhere", async () => {
      const folder = await makeTempFolder();
      const temporary = join(folder, "tmp");
      mkdirSync(temporary);
      const passphrase = "a passphrase that is long";
      const ca = await createTestCa();
      const encrypted = await ca.issue({ names: ["other.example"], keyType: "rsa" });
      await encrypted.writeTo(folder, "other", passphrase);
      const { director, issued } = await servingShop(engine, folder, quick, { TMPDIR: temporary });
      const certificates = {
        shop: { chain: "shop.pem", key: "shop.key", keepLastGood: false },
        other: {
          ...{ chain: "other.pem", key: "other.key", passphraseFile: "other.pass" },
          keepLastGood: false,
        },
      };
      assert.equal((await director.reload({ director: quick, certificates })).outcome, "applied");
      assert.ok(!existsSync(join(folder, "data-key")));
      const printed = await director.cli("set", "master-key");
      const keyFile = join(folder, "data-key", "master.key");
      assert.equal(printed.code, 0, printed.stderr);
      assert.match(
        printed.stdout,
        new RegExp(
          `^Master key \\S{22} in the file ${keyFile} is in use\\.\nIt was made now\\. Back it up`,
        ),
      );
      assert.deepEqual(noticesOf(director), ["master-key-made"]);
      assert.equal(statSync(keyFile).mode & 0o777, 0o600);
      const repeated = await director.cli("set", "master-key", "--json");
      assert.deepEqual(
        { ...JSON.parse(repeated.stdout), id: 0, place: 0 },
        {
          ...{ id: 0, place: 0, made: false, rewrapped: 0, damaged: 0 },
        },
      );

      // What is refused shows no more than what is accepted.
      const bad = { chain: issued.keyPem, key: issued.keyPem, passphrase: [passphrase] };
      const refused = await director.api("/v1/document", {
        method: "PATCH",
        headers: { "content-type": "application/merge-patch+json" },
        body: { certificates: { bad }, servers: { web: { address: encrypted.keyPem } } },
      });
      assert.equal(refused.status, 422);
      await writeFiles(folder, { "other.pem": encrypted.keyPem });
      await director.waitForLog((line) => isEvent(line, "certificate-refused"), 20_000);
      const texts = await textsOf(director, {
        folders: [temporary],
        texts: new Map([["tlsd set master-key", printed.stdout + repeated.stdout]]),
      });
      assertNoTraces(texts, [
        ...[issued, encrypted].flatMap(({ keyPem }) => keyTraces(keyPem)),
        ...textTraces(readFileSync(keyFile, "latin1").trim()),
        ...textTraces(passphrase),
      ]);
    });

    it(
      "is changed while the director runs; killed at each step, the next start works",
      { timeout: 10 * roundMs },
      async () => {
        const steps: readonly Omit<FaultPlan, "code">[] = [
          { call: "database.prepare", subject: "INSERT INTO heads" },
          ...scaled<readonly Omit<FaultPlan, "code">[]>({
            short: [],
            long: [
              { call: "fs/promises.rename", subject: "key-" },
              { call: "database.prepare", subject: "DELETE FROM heads" },
              { call: "fs/promises.rm", subject: "key-" },
              { call: "fs/promises.open", subject: ".new" },
              { call: "fs/promises.open", subject: ".new", isAfter: true },
              { call: "file.writeFile" },
              { call: "file.writeFile", isAfter: true },
              { call: "file.sync" },
              { call: "file.sync", isAfter: true },
              { call: "fs/promises.rename", subject: "key-", isAfter: true },
              { call: "database.prepare", subject: "INSERT INTO contents" },
              { call: "database.exec", subject: "COMMIT" },
              { call: "database.exec", subject: "COMMIT", isAfter: true },
              { call: "database.prepare", subject: "DELETE FROM contents" },
              { call: "database.exec", subject: "wal_checkpoint" },
              { call: "database.exec", subject: "wal_checkpoint", isAfter: true },
              { call: "socket.write", subject: "HTTP/1.1 200" },
            ],
          }),
        ];
        const { folder, keyFile } = await makeSealedFolder();
        const faults = await makeFaults();
        const options = { engine, folder, workers: 1, ...faults.launch };
        let previous = { file: keyFile };
        let director = await startDirector({ document: { director: quick }, ...options });
        for (const [at, step] of steps.entries()) {
          const settings = { masterKey: { file: `key-${at}` }, previousMasterKey: previous };
          writeDocument(director, settings);
          faults.inject({ ...step, code: "SIGKILL" });
          await assert.rejects(setMasterKey(director), JSON.stringify(step));
          assert.equal((await director.exited).signal, "SIGKILL", JSON.stringify(step));
          faults.clear();
          // oxlint-disable-next-line no-await-in-loop
          director = await startDirector({
            document: { director: { ...quick, ...settings } },
            ...options,
          });
          assert.ok(!noticesOf(director).includes(wrong), JSON.stringify(step));
          const { status, body } = await setMasterKey(director);
          assert.equal(status, 200, JSON.stringify([step, body]));
          previous = settings.masterKey;
        }
        await director.stop();
        assert.equal(await openWith(folder, join(folder, previous.file)), secretPem);
        await assert.rejects(openWith(folder, keyFile), { code: wrong });
        const leftover = readdirSync(folder).filter((name) => name.endsWith(".new"));
        assert.deepEqual(leftover, []);
      },
    );

    it("is read from a credential or a command, and changed from one to the other", async () => {
      const { folder, keyFile } = await makeSealedFolder();
      const credentials = join(folder, "credentials");
      mkdirSync(credentials);
      writeFileSync(join(credentials, "tlsd-key"), readFileSync(keyFile), { mode: 0o440 });
      const command = ["/bin/cat", join(folder, "printed")];
      const director = await startDirector({
        document: { director: { ...quick, masterKey: { credential: "tlsd-key" } } },
        ...{ engine, folder, workers: 1, env: { CREDENTIALS_DIRECTORY: credentials } },
      });
      assert.deepEqual(noticesOf(director), []);
      writeKey(join(folder, "printed"));
      const settings = { masterKey: { command }, previousMasterKey: { credential: "tlsd-key" } };
      writeDocument(director, settings);
      const changed = await director.cli("set", "master-key");
      assert.equal(changed.code, 0, changed.stderr);
      assert.match(
        changed.stdout,
        /in the command \/bin\/cat is in use\.\nPrivate keys .* now: 1\./,
      );
      const line = await director.waitForLog((one) => isEvent(one, "master-key-set"));
      assert.equal(line["rewrapped"], 1);
      await director.stop();
      assert.equal(await openWith(folder, join(folder, "printed")), secretPem);
    });
  });
});

describe("the master key of a director that root starts", onlyAsRoot, () => {
  forEachEngineIfLong("node", (engine) => {
    it("may be a file that only root may read: it is read before the first worker, and nobody keeps it open", async () => {
      const { folder, keyFile } = await makeSealedFolder();
      const rootKey = join(folder, "root.key");
      writeKey(rootKey, readFileSync(keyFile));
      writeFileSync(keyFile, "");
      await chown(folder, 1, 1);
      const masterKey = { file: rootKey };
      const director = await startDirector({
        document: { director: { ...quick, user: "daemon", masterKey } },
        ...{ engine, folder, workers: 1 },
      });
      assert.deepEqual(noticesOf(director), []);
      const control = director.pid;
      for (const pid of [control, ...(await director.workerPids())]) {
        const open = readdirSync(`/proc/${pid}/fd`).map((fd) =>
          tryReadlink(`/proc/${pid}/fd/${fd}`),
        );
        assert.ok(!open.includes(rootKey), `${pid}`);
        assert.equal(pid !== control && "TLSD_PASSED_FILES" in environmentOf(pid), false);
      }
      assert.equal(statSync(rootKey).uid, 0);

      // The control process cannot read the file again, but knows its key. It makes the next one itself.
      const next = join(folder, "next.key");
      writeDocument(director, {
        user: "daemon",
        masterKey: { file: next },
        previousMasterKey: masterKey,
      });
      const { status, body } = await setMasterKey(director);
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual([statSync(next).uid, statSync(next).mode & 0o777], [1, 0o600]);
      await director.stop();
    });

    it("is made in a folder beside the data folder, which belongs to director.user", async () => {
      const folder = await makeTempFolder();
      const director = await startDirector({
        document: { director: { ...quick, user: "daemon" } },
        ...{ engine, folder, workers: 1 },
      });
      const { status, body } = await setMasterKey(director);
      assert.equal(status, 200, JSON.stringify(body));
      const path = join(folder, "data-key", "master.key");
      assert.deepEqual([statSync(path).uid, statSync(path).mode & 0o777], [1, 0o600]);
      await director.stop();
    });
  });
});

function tryReadlink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
