import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { before, beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "#harness/deadline.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent, type LogLine } from "#harness/log-capture.ts";
import { ask, untilAnyServed } from "#harness/many-clients.ts";
import { rawConnect, type SocketClient } from "#harness/socket-client.ts";
import { startSwitchingShop, type SwitchingShop } from "#harness/switching-shop.ts";
import { tlsConnect } from "#harness/tls-client.ts";
import { twoWorkersOf, untilServing } from "#harness/worker-changes.ts";

const changeMs = 30_000;
/** How long after a SIGHUP a worker is killed: from before the document is read until after the commit. */
const killAfterMs = [0, 8, 16, 40];

// The tests run at the same time, because two of them wait for a deadline of the rollout.
describe("a change", { concurrency: true }, () => {
  forEachEngineIfLong("bun", (engine) => {
    describe("with two workers", { concurrency: false }, () => {
      let shop: SwitchingShop;
      let first: number;
      let second: number;

      before(async () => {
        shop = await startSwitchingShop(engine);
      });

      beforeEach(async () => {
        await shop.reset(changeMs);
        await untilServing(shop.director, 2);
        [first, second] = await twoWorkersOf(shop.director);
      });

      /** A change that only the first worker has prepared, as the second is stopped, and a client of its new port. */
      const prepareOnFirst = async (): Promise<{
        readonly reloading: ReturnType<SwitchingShop["reload"]>;
        readonly early: SocketClient;
        readonly gone: Promise<LogLine>;
      }> => {
        const from = shop.director.logs.length;
        process.kill(second, "SIGSTOP");
        const reloading = shop.reload(changeMs);
        const target = shop.clientOf(shop.next);
        const early = await eventually(() => rawConnect(target), changeMs, "the new port");
        const isGone = (line: LogLine): boolean => isEvent(line, "worker-gone");
        return { reloading, early, gone: shop.director.waitForLog(isGone, changeMs, from) };
      };

      /** Also asserts that no connection is lost. */
      const assertReplaced = async (gone: Promise<LogLine>, cause: string): Promise<void> => {
        assert.equal((await gone)["cause"], cause);
        await untilServing(shop.director, 2);
        await shop.assertInForce();
      };

      it("lets connections that come before its commit wait, then serves them", async () => {
        const { reloading, early, gone } = await prepareOnFirst();
        gone.catch(() => undefined);
        let isEarlyServed = false;
        const target = shop.clientOf(shop.next);
        const handshaking = tlsConnect({ ...target, over: early, deadlineMs: changeMs });
        const served = handshaking.finally(() => {
          isEarlyServed = true;
        });
        // The first worker answers one that came later, and could have answered the early one by then.
        const later = await untilAnyServed(shop.clientOf(shop.now));
        assert.equal(isEarlyServed, false);
        process.kill(second, "SIGCONT");
        await shop.settle(reloading);
        await ask(await served);
        await later.all;
      });

      it("that cannot be saved resets what waits, closes the new port and leaves the old one", async () => {
        const { revision } = await shop.director.status();
        const { reloading, early, gone } = await prepareOnFirst();
        gone.catch(() => undefined);
        const lock = new DatabaseSync(join(shop.director.dataDir, "state.db"));
        lock.exec("BEGIN IMMEDIATE");
        process.kill(second, "SIGCONT");
        const { outcome, line } = await reloading;
        lock.close();
        assert.equal(outcome, "refused");
        assert.equal(line["code"], "state-unwritable");
        assert.equal(await early.read.outcome(), "ECONNRESET");
        await shop.assertInForce();
        assert.match((await shop.director.status()).lastRefusal ?? "", /could not be saved/);
        await shop.settle(shop.reload(changeMs));
        const after = await shop.director.status();
        assert.equal(after.revision, revision + 1);
        assert.equal(after.lastRefusal, undefined);
      });

      it("goes on without a worker that is killed while it prepares", async () => {
        const { reloading, gone } = await prepareOnFirst();
        process.kill(second, "SIGKILL");
        await shop.settle(reloading);
        await assertReplaced(gone, "exited");
      });

      it("goes on without a worker that hangs while it prepares", async () => {
        const { reloading, gone } = await prepareOnFirst();
        await shop.settle(reloading);
        await assertReplaced(gone, "prepare-deadline");
      });

      it("is answered once a worker that hangs between save and commit is gone", async () => {
        const { reloading, gone } = await prepareOnFirst();
        process.kill(first, "SIGSTOP");
        process.kill(second, "SIGCONT");
        await shop.settle(reloading);
        await assertReplaced(gone, "commit-deadline");
      });

      it("is answered once a worker that is killed between save and commit is gone", async () => {
        const snapshotOfSecond = async (): Promise<number> =>
          (await shop.director.workers()).find(({ pid }) => pid === second)?.snapshot ?? 0;
        const former = await snapshotOfSecond();
        const { reloading, gone } = await prepareOnFirst();
        process.kill(first, "SIGSTOP");
        process.kill(second, "SIGCONT");
        // What a worker serves has been saved.
        await eventually(async () => (await snapshotOfSecond()) > former, changeMs);
        process.kill(first, "SIGKILL");
        await shop.settle(reloading);
        await assertReplaced(gone, "exited");
      });
    });

    it("is in force once it is answered, whenever a worker is killed", async () => {
      const shop = await startSwitchingShop(engine);
      for (const ms of killAfterMs) {
        await untilServing(shop.director, 2);
        const [first] = await twoWorkersOf(shop.director);
        const from = shop.director.logs.length;
        const reloading = shop.reload(changeMs);
        await delay(ms);
        process.kill(first, "SIGKILL");
        // Where the change was quicker, connections that the worker had taken by then are lost with it.
        await shop.director.waitForLog((line) => isEvent(line, "worker-gone"), changeMs, from);
        await shop.settle(reloading);
        await untilServing(shop.director, 2, [first]);
        await shop.assertInForce();
      }
    });
  });
});
