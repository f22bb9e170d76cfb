import assert from "node:assert/strict";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { newMasterKeyText } from "#control/sealing/master-key.ts";
import type { CertificateDetail } from "#model/records/certificate-detail.ts";
import type { ChangeReply } from "#model/records/change-reply.ts";
import { eventually } from "#harness/deadline.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { makeFaults } from "#harness/faulty-director.ts";
import { filesOf, InventoryShop } from "#harness/inventory-shop.ts";
import { keyTraces } from "#harness/key-traces.ts";
import { isEvent } from "#harness/log-capture.ts";
import { Operator } from "#harness/operator.ts";
import { scaled } from "#harness/run-length.ts";
import { writeFiles } from "#harness/temp-folder.ts";
import type { FaultPlan } from "../fixtures/fault-plan.ts";

const waitMs = 4_000;
/** A certificate must be served before it expires, also on a busy machine. */
const shortLifeMs = 15_000;
const noticeMs = 20_000;
const rotateShop = "certificates/shop/rotate";
/** The certificates of the scenarios that share a director. */
const sharedNames = ["judged", "both", "both-rsa", "brief", "asked", "kept"];

describe("a rotation of a certificate in the inventory", { concurrency: 2 }, () => {
  forEachEngineIfLong("node", (engine) => {
    let shared: InventoryShop;

    before(async () => {
      shared = await InventoryShop.start({ engine, others: sharedNames });
    });

    it("is refused if it makes something worse, and the active version stays", async () => {
      const shop = shared;
      const { path, rotate, rollback, ...judged } = shop.certificate("judged");
      const names = ["judged.example", "www.judged.example"];
      const first = await judged.issue({ names, keyType: "ecdsa-p384" });
      await shop.do(path, { files: filesOf(first) });
      const stranger = await judged.issue({ names });
      const refused: readonly (readonly [body: unknown, codes: string])[] = [
        [
          { files: filesOf(await judged.issue({ keyType: "ecdsa-p384" })) },
          "certificate-refused fewer-names",
        ],
        [{ files: filesOf(stranger) }, "certificate-refused weaker-key"],
        [
          { files: filesOf(await judged.issue({ names, keyType: "rsa" })) },
          "certificate-refused other-key-type weaker-key",
        ],
        [
          { files: filesOf(await judged.issue({ names, validity: "expired" })) },
          "certificate-refused certificate-expired",
        ],
        [
          { files: filesOf({ chainPem: first.chainPem, keyPem: stranger.keyPem }) },
          "certificate-refused key-mismatch",
        ],
        [
          { files: [{ base64: Buffer.alloc(1024 * 1024, 7).toString("base64") }] },
          "certificate-refused format-unsupported",
        ],
        [{ version: "7" }, "no-version"],
        [{}, "no-version"],
        [{ files: filesOf(stranger), version: "1" }, "bad-request"],
        [{ files: [{ name: "x" }] }, "bad-request"],
      ];
      for (const [body, codes] of refused) assert.equal(await shop.refusal(rotate, body), codes);
      assert.equal(await shop.refusal(rollback), "no-version");
      assert.equal(await shop.refusal(path, { files: filesOf(first) }), "already-exists");
      assert.equal(
        await shop.refusal("certificates/none/rotate", { files: filesOf(first) }),
        "not-found",
      );
      assert.equal(await judged.servedSerial(), first.serial);
      assert.deepEqual(await judged.states(), ["1 active"]);

      const wild = await judged.issue({
        names: ["*.judged.example", "judged.example"],
        keyType: "ecdsa-p384",
      });
      await shop.do(rotate, { files: filesOf(wild) });
      const allowed = { allowFewerNames: true, allowOtherKeyType: true, allowWeakerKey: true };
      const rsa = await judged.issue({ keyType: "rsa" });
      const { warnings } = await shop.do(rotate, { files: filesOf(rsa), ...allowed });
      assert.deepEqual(
        warnings.map(({ code }) => code).filter((code) => code !== "chain-incomplete"),
        ["fewer-names", "other-key-type", "weaker-key"],
      );
      assert.equal(await judged.servedSerial(), rsa.serial);
    });

    it("is made for several certificates in one change, all of them or none", async () => {
      const shop = shared;
      const [one, other] = [shop.certificate("both"), shop.certificate("both-rsa")];
      const [ecdsa, rsa] = [await one.issue(), await one.issue({ keyType: "rsa" })];
      const both = {
        certificates: [
          { name: "both", files: filesOf(ecdsa) },
          { name: "both-rsa", files: filesOf(rsa) },
        ],
      };
      const { versions } = await shop.do("imports", both);
      assert.deepEqual(
        versions.map(({ name, version, state }) => [name, version, state]),
        [
          ["both", "1", "active"],
          ["both-rsa", "1", "active"],
        ],
      );
      const [next, bad] = [
        await one.issue(),
        await one.issue({ keyType: "rsa", validity: "expired" }),
      ];
      const half = {
        certificates: [
          { name: "both", files: filesOf(next) },
          { name: "both-rsa", files: filesOf(bad) },
        ],
      };
      assert.match(await shop.refusal("rotations", half), /certificate-expired/);
      const twice = {
        certificates: [
          { name: "both", files: filesOf(next) },
          { name: "both", files: filesOf(next) },
        ],
      };
      assert.equal(await shop.refusal("rotations", twice), "bad-request");
      assert.deepEqual([await one.states(), await other.states()], [["1 active"], ["1 active"]]);
      assert.equal(await one.servedSerial(), ecdsa.serial);
    });

    it("goes back to an expired version only by force", async () => {
      const shop = shared;
      const { path, rotate, rollback, ...brief } = shop.certificate("brief");
      const notAfter = new Date(Math.ceil((Date.now() + shortLifeMs) / 1_000) * 1_000);
      const short = await brief.issue({ notAfter });
      await shop.do(path, { files: filesOf(short) });
      const long = await brief.issue();
      await shop.do(rotate, { files: filesOf(long) });
      await eventually(() => Date.now() > notAfter.getTime() + 100, noticeMs, "the end");
      assert.equal(await shop.refusal(rollback), "certificate-refused certificate-expired");
      assert.equal(await brief.servedSerial(), long.serial);
      await shop.do(rollback, { force: true });
      assert.deepEqual(await brief.states(), ["2 previous", "1 active"]);
    });

    it("completes a request whose key the director made", async () => {
      const shop = shared;
      const { path, rotate, ...asked } = shop.certificate("asked");
      const names = ["asked.example"];
      const requested = await shop.do(`${path}/requests`, { names });
      assert.deepEqual(
        requested.versions.map(({ version, state }) => [version, state]),
        [["1", "pending"]],
      );
      const [pending] = await shop.versions("asked");
      const signed = await shop.ca.sign(pending?.request ?? "", { names });
      await shop.do(rotate, { files: [{ text: signed.chainPem }] });
      assert.equal(await asked.servedSerial(), signed.serial);
      assert.deepEqual(await asked.states(), ["1 active"]);

      const more = { names: ["new.example"] };
      assert.equal(
        await shop.refusal("certificates/a%20name/requests", more),
        "certificate-refused bad-certificate-name",
      );
      await shop.do("certificates/new/requests", more);
      const { body } = await shop.director.api("/v1/certificates/new/status");
      const { state, versions } = body as CertificateDetail;
      assert.deepEqual([state, versions.map((one) => one.state)], ["unusable", ["pending"]]);
      const [request] = await shop.versions("new");
      const { chainPem } = await shop.ca.sign(request?.request ?? "", more);
      await shop.do("certificates/new/rotate", { files: [{ text: chainPem }] });
      assert.deepEqual(await shop.states("new"), ["1 active"]);
      assert.equal((await shop.director.api("/v1/certificates/new")).status, 200);
    });

    it("comes back with an undo of its removal, and no number is used twice", async () => {
      const shop = shared;
      const kept = shop.certificate("kept");
      await shop.do(kept.path, { files: filesOf(await kept.issue()) });
      const headers = { "content-type": "application/merge-patch+json" };
      const { body } = await shop.director.api("/v1/listeners/front.shop:8443");
      const listener = body as { readonly certificates: readonly string[] };
      const certificates = listener.certificates.filter((name) => name !== "kept");
      const removal = {
        profiles: { shop: { vnics: { front: { listeners: [{ ...listener, certificates }] } } } },
        certificates: { kept: null },
      };
      const remove = async (): Promise<number> => {
        const reply = await shop.director.api("/v1/document", {
          ...{ method: "PATCH", headers, body: removal },
        });
        assert.equal(reply.status, 200, JSON.stringify(reply.body));
        return (reply.body as ChangeReply).revision;
      };
      // Other scenarios may change the document meanwhile.
      const revision = await remove();
      const undo = await shop.director.api("/v1/undo", {
        method: "POST",
        headers: { "if-match": "*" },
        body: { revision },
      });
      assert.equal(undo.status, 200, JSON.stringify(undo.body));
      assert.equal(
        (await shop.director.status()).certificates.find(({ name }) => name === "kept")?.state,
        "ok",
      );
      await remove();
      await shop.do(kept.path, { files: filesOf(await kept.issue()) });
      assert.deepEqual(await kept.states(), ["2 active", "1 previous"]);
    });

    it("is refused for a certificate of files, unless the import replaces them", async () => {
      const shop = shared;
      const issued = await shop.issue();
      await writeFiles(shop.director.dir, { "own.pem": issued.chainPem, "own.key": issued.keyPem });
      const own = await shop.director.api("/v1/certificates/own", {
        method: "PUT",
        body: { chain: "own.pem", key: "own.key" },
      });
      assert.equal(own.status, 201, JSON.stringify(own.body));
      for (const [path, body] of [
        ["certificates/own/rotate", { files: filesOf(issued) }],
        ["certificates/own/rollback", {}],
        ["certificates/own", { files: filesOf(issued) }],
        ["certificates/own/requests", { names: ["shop.example"] }],
      ] as const) {
        const { status, body: reply } = await shop.post(path, body);
        assert.equal(status, 409, JSON.stringify(reply));
        const { code, message } = reply as { readonly code: string; readonly message: string };
        assert.equal(code, "files-source");
        assert.ok(message.includes(join(shop.director.dir, "own.key")), message);
      }
      await shop.do("certificates/own", { files: filesOf(issued), replaceFiles: true });
      const { body } = await shop.director.api("/v1/certificates/own");
      assert.deepEqual(body, { source: "inventory" });

      const hourMs = 3_600_000;
      const files = filesOf(await shop.issue({ notBefore: new Date(Date.now() + hourMs) }));
      const activatesItself = async (): Promise<boolean> =>
        (await shop.versions("own"))[0]?.activatesItself === true;
      await shop.do("certificates/own/rotate", { files, stage: true });
      assert.equal(await activatesItself(), false);
      await shop.do("certificates/own/rotate", { files });
      assert.equal(await activatesItself(), true);
      await shop.do("certificates/own/rotate", { files, stage: true });
      assert.equal(await activatesItself(), false);
      await shop.do("certificates/own/rotate", { version: "2" });
      assert.equal(await activatesItself(), true);

      const remove = async (path: string): Promise<number> =>
        (await shop.director.api(`/v1/certificates/own${path}`, { method: "DELETE" })).status;
      assert.equal(await remove("/versions/1"), 409);
      assert.equal(await remove(""), 200);
      assert.equal(await remove("/versions/1"), 200);
      assert.deepEqual(await shop.states("own"), ["2 staged"]);
    });

    it("waits for a version that is not valid yet, also through a restart, and for one that is staged", async () => {
      const shop = await InventoryShop.start({ engine });
      const first = await shop.issue();
      await shop.do("certificates/shop", { files: filesOf(first) });
      const later = await shop.issue({ notBefore: new Date(Date.now() + waitMs) });
      const staged = await shop.do(rotateShop, { files: filesOf(later) });
      assert.deepEqual(
        staged.versions.map(({ version, state }) => [version, state]),
        [["2", "staged"]],
      );
      assert.equal((await shop.do(rotateShop, { version: "2" })).changed, false);
      assert.equal(await shop.servedSerial(), first.serial);
      await shop.director.kill();
      await shop.startAgain();
      await eventually(
        async () => (await shop.servedSerial()) === later.serial,
        noticeMs,
        "the version",
      );
      assert.deepEqual(await shop.states(), ["2 active", "1 previous"]);
      const line = await shop.director.waitForLog((one) => isEvent(one, "certificate-version"));
      assert.deepEqual(line["by"], { origin: "certificate-watcher" });

      const third = await shop.issue();
      await shop.do(rotateShop, { files: filesOf(third), stage: true });
      assert.equal(
        (await shop.do(rotateShop, { files: filesOf(third), stage: true })).changed,
        false,
      );
      assert.deepEqual(await shop.states(), ["3 staged", "2 active", "1 previous"]);
      await shop.do(rotateShop, {});
      assert.equal(await shop.servedSerial(), third.serial);

      const fewer = await shop.issue({ names: ["other.example"] });
      await shop.do(rotateShop, { files: filesOf(fewer), stage: true });
      assert.deepEqual(await shop.attention(), ["staged-worse"]);
      assert.equal(
        await shop.refusal("certificates/shop/rollback", { version: "4" }),
        "no-version",
      );
      assert.equal(await shop.servedSerial(), third.serial);
      const version = "/v1/certificates/shop/versions/4";
      const removal = await shop.director.api(version, { method: "DELETE" });
      assert.equal(removal.status, 200, JSON.stringify(removal.body));
      assert.deepEqual(await shop.attention(), []);
    });

    it("comes back with a backup, and needs the master key: without it the listener is down, and it is up again with it", async () => {
      const shop = await InventoryShop.start({ engine });
      const [first, second] = [await shop.issue(), await shop.issue()];
      await shop.do("certificates/shop", { files: filesOf(first) });
      await shop.do(rotateShop, { files: filesOf(second) });
      const { dir, dataDir, socketPath } = shop.director;
      const operator = new Operator({ socketPath, folder: dir });
      assert.deepEqual((await operator.run(["backup", "state.backup"])).err, "");
      await shop.do(rotateShop, { files: filesOf(await shop.issue()) });
      const keyFile = join(dir, "data-key", "master.key");
      assert.ok(existsSync(keyFile));
      await shop.director.stop();
      const backup = readFileSync(join(dir, "state.backup"), "latin1");
      const traces = [first, second].flatMap(({ keyPem }) => keyTraces(keyPem));
      assert.deepEqual(
        traces.filter((trace) => backup.includes(trace)),
        [],
      );
      const restore = ["restore", "state.backup", "--data", dataDir];
      assert.deepEqual((await operator.run(restore)).err, "");
      renameSync(keyFile, `${keyFile}.kept`);
      writeFileSync(keyFile, newMasterKeyText(), { mode: 0o600 });
      await shop.startAgain();
      const certificate = (await shop.director.status()).certificates.find(
        ({ name }) => name === "shop",
      );
      assert.equal(certificate?.state, "unusable");
      const { body } = await shop.director.api("/v1/vnics");
      assert.match(JSON.stringify(body), /"oper":"down".*master key/);
      assert.equal(
        await shop.refusal(rotateShop, { files: filesOf(await shop.issue()) }),
        "master-key-wrong",
      );
      writeFileSync(keyFile, readFileSync(`${keyFile}.kept`));
      const set = await shop.post("master-key");
      assert.equal(set.status, 200, JSON.stringify(set.body));
      await eventually(
        async () =>
          (await shop.director.status()).certificates.every(
            ({ name, state }) => name !== "shop" || state === "ok",
          ),
        noticeMs,
        "the certificate",
      );
      assert.equal(await shop.servedSerial(), second.serial);
      await shop.do("certificates/shop/rollback");
      assert.equal(await shop.servedSerial(), first.serial);
      await shop.do(rotateShop, { files: filesOf(await shop.issue()) });
      assert.deepEqual(await shop.states(), ["3 active", "2 previous", "1 previous"]);
    });

    it(
      "that is killed at one of its steps is made or not, as the client was told",
      { timeout: 600_000 },
      async () => {
        const steps: readonly (Omit<FaultPlan, "code"> & { readonly isMade: boolean })[] = [
          { call: "database.exec", subject: "COMMIT", isMade: false },
          { call: "socket.write", subject: '"type":"commit"', isMade: true },
          ...scaled<readonly (Omit<FaultPlan, "code"> & { readonly isMade: boolean })[]>({
            short: [],
            long: [
              { call: "socket.write", subject: '"type":"prepare"', isMade: false },
              { call: "socket.write", subject: '"type":"prepare"', isAfter: true, isMade: false },
              { call: "database.exec", subject: "BEGIN", isMade: false },
              { call: "database.prepare", subject: "INSERT INTO heads", isMade: false },
              { call: "statement.run", isMade: false },
              { call: "statement.run", isAfter: true, isMade: false },
              { call: "socket.write", subject: '"type":"commit"', isAfter: true, isMade: true },
              { call: "socket.write", subject: "HTTP/1.1 200", isMade: true },
              { call: "socket.write", subject: "HTTP/1.1 200", isAfter: true, isMade: true },
            ],
          }),
        ];
        const faults = await makeFaults();
        const others = ["one", "rsa"];
        const shop = await InventoryShop.start({ engine, others, launch: faults.launch });
        const pair = shop.certificate("one");
        const issueBoth = async () =>
          [await pair.issue(), await pair.issue({ keyType: "rsa" })] as const;
        const bodyOf = ([ecdsa, rsa]: Awaited<ReturnType<typeof issueBoth>>) => ({
          certificates: [
            { name: "one", files: filesOf(ecdsa) },
            { name: "rsa", files: filesOf(rsa) },
          ],
        });
        let served = await issueBoth();
        await shop.do("imports", bodyOf(served));
        for (const step of steps) {
          const next = await issueBoth();
          faults.inject({ ...step, code: "SIGKILL" });
          const told = await shop.post("rotations", bodyOf(next)).then(
            ({ status }) => status,
            () => undefined,
          );
          assert.equal((await shop.director.exited).signal, "SIGKILL", JSON.stringify(step));
          faults.clear();
          await shop.startAgain();
          const active = await Promise.all(
            ["one", "rsa"].map(async (name) =>
              (await shop.versions(name)).find(({ state }) => state === "active"),
            ),
          );
          const serials = active.map((one) => one?.facts?.serialNumber.toLowerCase());
          const isMade = serials[0] === next[0].serial;
          if (isMade) served = next;
          assert.deepEqual(
            serials,
            served.map(({ serial }) => serial),
            JSON.stringify(step),
          );
          assert.equal(isMade, step.isMade, JSON.stringify(step));
          if (told !== undefined) assert.equal(told, 200);
          if (told === 200) assert.ok(isMade);
          assert.equal(await pair.servedSerial(), served[0].serial);
        }
      },
    );
  });
});
