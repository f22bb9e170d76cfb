import assert from "node:assert/strict";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { newMasterKeyText } from "#control/sealing/master-key.ts";
import { eventually } from "#harness/deadline.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { makeFaults } from "#harness/faulty-director.ts";
import { filesOf, InventoryShop } from "#harness/inventory-shop.ts";
import { keyTraces } from "#harness/key-traces.ts";
import { isEvent } from "#harness/log-capture.ts";
import { Operator } from "#harness/operator.ts";
import { scaled } from "#harness/run-length.ts";
import type { FaultPlan } from "../fixtures/fault-plan.ts";

/** The version is staged, and the director killed, before it has passed. */
const waitMs = 10_000;
const noticeMs = 20_000;
const rotateShop = "certificates/shop/rotate";

describe(
  "a certificate in the inventory, when the director ends and starts",
  { concurrency: 2 },
  () => {
    forEachEngineIfLong("node", (engine) => {
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
        const file = join(dir, "state.backup");
        assert.deepEqual((await operator.run(["backup", file])).err, "");
        await shop.do(rotateShop, { files: filesOf(await shop.issue()) });
        const keyFile = join(dir, "data-key", "master.key");
        assert.ok(existsSync(keyFile));
        await shop.director.stop();
        const backup = readFileSync(file, "latin1");
        const traces = [first, second].flatMap(({ keyPem }) => keyTraces(keyPem));
        assert.deepEqual(
          traces.filter((trace) => backup.includes(trace)),
          [],
        );
        const restore = ["restore", file, "--data", dataDir];
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
  },
);
