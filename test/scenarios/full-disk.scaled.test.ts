import assert from "node:assert/strict";
import { rename, rm } from "node:fs/promises";
import { before, describe, it } from "node:test";
import type { Endpoint } from "#harness/endpoint.ts";
import { untilEnded } from "#harness/child-process.ts";
import { eventually } from "#harness/deadline.ts";
import { runDirectorToExit, startDirector, type Director } from "#harness/director.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { filesOf } from "#harness/inventory-shop.ts";
import { isEvent } from "#harness/log-capture.ts";
import { shownSerials, untilServed } from "#harness/many-clients.ts";
import { mountDataFolder, tryMountReason, type MountedFolder } from "#harness/mounted-folder.ts";
import { workersBelow } from "#harness/process-facts.ts";
import { servedText } from "#harness/recorded-handshake.ts";
import { startShop, type Shop, type ShopSettings } from "#harness/shop.ts";
import { twoWorkersOf, untilServing } from "#harness/worker-changes.ts";

const deadlineMs = 40_000;
const reason = await tryMountReason();
const mayMount = reason === undefined ? {} : { skip: reason };

/** The document with another virtual server in it, which no listener uses. */
const changed = ({ document }: Shop<"web">, name: string): object => ({
  ...document,
  servers: {
    ...(document as { readonly servers: object }).servers,
    [name]: { address: "127.0.0.9" },
  },
});

const noticesWith = async (director: Director, part: string): Promise<number> =>
  (await director.status()).notices.filter((notice) => notice.includes(part)).length;

describe("a director whose disk fails", { concurrency: 2 }, () => {
  forEachEngineIfLong(
    "bun",
    (engine) => {
      let endpoint: Endpoint;

      before(async () => {
        endpoint = await startHttpEndpoint(servedText);
      });

      const start = (settings: Partial<ShopSettings<"web">>): Promise<Shop<"web">> =>
        startShop({ engine, workers: 2, listeners: { web: { to: endpoint.port } }, ...settings });

      const startAgain = (shop: Shop<"web">, document: object): Promise<Director> =>
        startDirector({ document, engine, folder: shop.director.dir, workers: 1 });

      describe("because it is full", { concurrency: false, ...mayMount }, () => {
        /** A director in its second revision, on a disk that has no more room. */
        const startFull = async (): Promise<[Shop<"web">, MountedFolder]> => {
          const disk = await mountDataFolder();
          const shop = await start({ folder: disk.folder });
          assert.equal((await shop.director.reload(changed(shop, "second"))).outcome, "applied");
          disk.fill();
          return [shop, disk];
        };

        it("replaces workers, and says once that the record of them cannot be written", async () => {
          const [shop] = await startFull();
          const { director } = shop;
          const from = director.logs.length;
          const [victim] = await twoWorkersOf(director);
          process.kill(victim, "SIGKILL");
          await untilServing(director, 2, [victim]);
          for (let round = 0; round < 3; round += 1) {
            const replacedFrom = director.logs.length;
            director.signal("SIGUSR2");
            await director.waitForLog(
              (line) => isEvent(line, "workers-replaced"),
              deadlineMs,
              replacedFrom,
            );
          }
          await untilServing(director, 2);
          await shownSerials(shop.clientOf("web"), 4);
          const said = director.logs
            .slice(from)
            .filter((line) => isEvent(line, "worker-record-unwritable"));
          assert.equal(said.length, 1);
          assert.equal(await noticesWith(director, "record of workers"), 1);
        });

        it("refuses changes of the document, says so in status and metrics, and takes new certificate files", async () => {
          const [shop] = await startFull();
          const { director } = shop;
          const { outcome, line } = await director.reload(changed(shop, "third"));
          assert.deepEqual([outcome, line["code"]], ["refused", "state-unwritable"]);
          assert.equal((await director.metrics()).value("tlsd_state_writable"), 0);
          const { stdout } = await director.cli("show", "status");
          assert.match(stdout, /notice +The state cannot be saved/);
          const renewed = await shop.ca.issue({ names: ["shop.example"] });
          await renewed.writeTo(shop.director.dir, "shop");
          const isShown = async (): Promise<boolean> =>
            (await shownSerials(shop.clientOf("web"), 2)).join() === renewed.serial;
          await eventually(isShown, deadlineMs, "the new certificate");
        });

        it("refuses an import and a rotation, goes on with the version in use, and takes both when there is room", async () => {
          const disk = await mountDataFolder();
          const { director, ca } = await start({ folder: disk.folder });
          const bring = async (path: string): Promise<readonly [status: number, code: unknown]> => {
            const files = filesOf(await ca.issue({ names: ["kept.example"] }));
            const { status, body } = await director.api(`/v1/certificates/${path}`, {
              method: "POST",
              body: { files },
            });
            return [status, (body as { readonly code?: unknown }).code];
          };
          const statesOf = async (): Promise<readonly string[]> => {
            const { body } = await director.api("/v1/certificates/kept/versions");
            return (body as readonly { readonly state: string }[]).map(({ state }) => state);
          };
          assert.deepEqual(await bring("kept"), [200, undefined]);
          disk.fill();
          assert.deepEqual(await bring("more"), [500, "state-unwritable"]);
          assert.deepEqual(await bring("kept/rotate"), [500, "state-unwritable"]);
          assert.deepEqual(await statesOf(), ["active"]);
          disk.free();
          assert.deepEqual(await bring("more"), [200, undefined]);
          assert.deepEqual(await bring("kept/rotate"), [200, undefined]);
          assert.deepEqual(await statesOf(), ["active", "previous"]);
        });

        // What is on the disk then differs: after a kill the newest revision is in the log beside the database.
        const end = engine === "bun" ? "stopped" : "killed";
        it(`starts after one that was ${end}, on what was saved last, and saves when there is room`, async () => {
          const [shop, disk] = await startFull();
          if (end === "stopped") assert.equal((await shop.director.stop()).code, 0);
          else await shop.director.kill();
          const again = await startAgain(shop, changed(shop, "third"));
          await shownSerials(shop.clientOf("web"), 4);
          assert.equal((await again.status()).revision, 2);
          assert.equal(await noticesWith(again, "serves revision 2 from the store"), 1);
          const { outcome, line } = await again.reload(changed(shop, "fourth"));
          assert.deepEqual([outcome, line["code"]], ["refused", "state-unwritable"]);

          disk.free();
          assert.equal((await again.reload(changed(shop, "third"))).outcome, "applied");
          assert.equal((await again.status()).revision, 3);
          // The record of workers is tried again by itself.
          const isSilent = async (): Promise<boolean> => (await noticesWith(again, "be sav")) === 0;
          await eventually(isSilent, deadlineMs, "no notice");
          assert.equal(await noticesWith(again, "from the store"), 0);
          assert.equal((await again.stop()).code, 0);
        });

        it("starts without any state, from the file, and saves it when there is room", async () => {
          const empty = await mountDataFolder();
          empty.fill();
          const { director, document } = await start({ folder: empty.folder, workers: 1 });
          assert.equal(await noticesWith(director, "served without being saved"), 1);
          empty.free();
          // The same document, but it is not in the store yet.
          assert.equal((await director.reload(document)).outcome, "applied");
          assert.equal(await noticesWith(director, "served without being saved"), 0);
          assert.equal((await director.reload(document)).outcome, "unchanged");
        });
      });

      describe("because its data folder was removed", { concurrency: false }, () => {
        const startRemoved = async (): Promise<Shop<"web">> => {
          const shop = await start({ more: { director: { orphanGrace: "1h", drain: "1h" } } });
          // The running director creates files by their paths, and a folder into which it does so cannot be removed.
          const removed = `${shop.director.dataDir}-removed`;
          await rename(shop.director.dataDir, removed);
          await rm(removed, { recursive: true });
          return shop;
        };

        it("goes on, refuses changes of the document and keeps another director from its addresses and its workers", async () => {
          const shop = await startRemoved();
          const { director } = shop;
          const [victim] = workersBelow(director.pid);
          assert.ok(victim !== undefined);
          const from = director.logs.length;
          process.kill(victim.pid, "SIGKILL");
          await director.waitForLog((line) => isEvent(line, "worker-ready"), deadlineMs, from);
          await shownSerials(shop.clientOf("web"), 4);
          const { outcome, line } = await director.reload(changed(shop, "other"));
          assert.deepEqual([outcome, line["code"]], ["refused", "state-unwritable"]);

          const { document } = shop;
          const second = await runDirectorToExit({ document, engine, folder: director.dir });
          assert.match(second.stderr, /data-locked/);
          await shownSerials(shop.clientOf("web"), 4);
          await eventually(() => workersBelow(director.pid).length === 2, deadlineMs);
        });

        it("leaves workers that the next one finds without a record of them", async () => {
          const shop = await startRemoved();
          const client = await untilServed(shop.clientOf("web"));
          const orphans = await shop.director.kill();
          assert.equal(orphans.length, 2);
          const again = await startAgain(shop, changed(shop, "other"));
          const found = await again.waitForLog(
            (line) => isEvent(line, "orphans-found"),
            deadlineMs,
          );
          assert.equal(found["orphans"], 2);
          client.end();
          await client.read.toEnd();
          await untilEnded(orphans, deadlineMs, "the end of the orphans");
          await shownSerials(shop.clientOf("web"), 4);
          assert.equal((await again.stop()).code, 0);
        });
      });
    },
    { concurrency: false },
  );
});
