import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { eventually } from "#harness/deadline.ts";
import { startDirector } from "#harness/director.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent } from "#harness/log-capture.ts";
import { ask, shownSerials, untilClosed } from "#harness/many-clients.ts";
import { workersBelow, isAlive, type ProcessIdentity } from "#harness/process-facts.ts";
import { servedText } from "#harness/recorded-handshake.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import type { TlsConnectOptions } from "#harness/tls-client.ts";
import { untilServing } from "#harness/worker-changes.ts";

const leaveMs = 40_000;

describe("when the control process is killed", { concurrency: 2 }, () => {
  forEachEngineIfLong(
    "node",
    (engine) => {
      let endpoint: Endpoint;

      before(async () => {
        endpoint = await startHttpEndpoint(servedText);
      });

      const start = (settings: object): Promise<Shop<"web">> =>
        startShop({
          engine,
          workers: 2,
          listeners: { web: { to: endpoint.port } },
          more: { director: settings },
        });

      const clientOf = (shop: Shop<"web">): TlsConnectOptions => ({
        host: shop.ip,
        port: shop.portOf("web"),
        ca: shop.ca.certificatePem,
        servername: "shop.example",
      });

      /** Gives its workers, which are orphans then. */
      const kill = async ({ director }: Shop<"web">): Promise<readonly ProcessIdentity[]> => {
        const workers = workersBelow(director.pid);
        director.signal("SIGKILL");
        assert.equal((await director.exited).signal, "SIGKILL");
        return workers;
      };

      const untilGone = (workers: readonly ProcessIdentity[]): Promise<unknown> =>
        eventually(() => !workers.some(isAlive), leaveMs, "the end of the workers");

      it("its workers serve on for director.orphanGrace, then let connections end and leave", async () => {
        const graceMs = 6_000;
        const shop = await start({ orphanGrace: `${graceMs}ms`, drain: "1h" });
        const client = await shop.connect("web");
        const killedAtMs = performance.now();
        const workers = await kill(shop);
        assert.equal(workers.length, 2);
        assert.equal((await shownSerials(clientOf(shop), 4)).length, 1);
        await untilClosed(clientOf(shop));
        assert.ok(performance.now() - killedAtMs >= graceMs);
        await ask(client);
        assert.ok(workers.some(isAlive));
        client.end();
        await client.read.toEnd();
        await untilGone(workers);
      });

      it("its workers cut what is still open after director.drain, those that were leaving too", async () => {
        const shop = await start({ orphanGrace: "300ms", drain: "1s" });
        const leaving = await shop.connect("web");
        await ask(leaving);
        shop.director.signal("SIGUSR2");
        await shop.director.waitForLog((line) => isEvent(line, "workers-replaced"), leaveMs);
        const staying = await shop.connect("web");
        await ask(staying);
        const killedAtMs = performance.now();
        const workers = await kill(shop);
        const untilCut = [leaving, staying].map(async (client) => {
          assert.equal(await client.read.outcome(leaveMs), "ECONNRESET");
          return performance.now() - killedAtMs;
        });
        for (const ms of await Promise.all(untilCut)) assert.ok(ms >= 1_300, `${ms} ms`);
        await untilGone(workers);
      });

      it("another starts on its data folder and its addresses at once, and its workers leave in peace", async () => {
        const shop = await start({ orphanGrace: "1h", drain: "1h" });
        const client = await shop.connect("web");
        await ask(client);
        const orphans = await kill(shop);
        const renewed = await shop.ca.issue({ names: ["shop.example"] });
        await renewed.writeTo(shop.director.dir, "shop");

        const folder = shop.director.dir;
        const successor = await startDirector({ document: shop.document, engine, folder });
        const found = await successor.waitForLog((line) => isEvent(line, "orphans-found"), leaveMs);
        assert.equal(found["orphans"], 2);
        const isOnlySuccessor = async (): Promise<boolean> =>
          (await shownSerials(clientOf(shop))).join(" ") === renewed.serial;
        await eventually(isOnlySuccessor, leaveMs, "handshakes with the successor only");
        await ask(client);
        client.end();
        await client.read.toEnd();
        await untilGone(orphans);
        assert.deepEqual(await shownSerials(clientOf(shop)), [renewed.serial]);
        await untilServing(successor, 2);
        assert.equal((await successor.status()).revision, 1);
        assert.equal((await successor.stop()).code, 0);
      });

      it("another ends those of its workers that hang", async () => {
        const shop = await start({ orphanGrace: "1h", drain: "300ms" });
        const orphans = await kill(shop);
        const [hung] = orphans;
        assert.ok(hung !== undefined);
        process.kill(hung.pid, "SIGSTOP");
        const folder = shop.director.dir;
        const successor = await startDirector({ document: shop.document, engine, folder });
        await untilGone(orphans);
        assert.equal((await shownSerials(clientOf(shop))).length, 1);
        assert.equal((await successor.stop()).code, 0);
      });
    },
    { concurrency: false },
  );
});
