import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { untilEnded } from "#harness/child-process.ts";
import { eventually } from "#harness/deadline.ts";
import { startDirector } from "#harness/director.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent } from "#harness/log-capture.ts";
import { ask, shownSerials, untilClosed } from "#harness/many-clients.ts";
import { isAlive } from "#harness/process-facts.ts";
import { servedText } from "#harness/recorded-handshake.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import type { OpenConnections } from "#model/records/open-connection.ts";
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

      it("its workers serve on for director.orphanGrace, then let connections end and leave", async () => {
        const graceMs = 6_000;
        const shop = await start({ orphanGrace: `${graceMs}ms`, drain: "1h" });
        const client = await shop.connect("web");
        const killedAtMs = performance.now();
        const workers = await shop.director.kill();
        assert.equal(workers.length, 2);
        assert.equal((await shownSerials(shop.clientOf("web"), 4)).length, 1);
        await untilClosed(shop.clientOf("web"));
        assert.ok(performance.now() - killedAtMs >= graceMs);
        await ask(client);
        assert.ok(workers.some(isAlive));
        client.end();
        await client.read.toEnd();
        await untilEnded(workers, leaveMs);
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
        const workers = await shop.director.kill();
        const untilCut = [leaving, staying].map(async (client) => {
          assert.equal(await client.read.outcome(leaveMs), "ECONNRESET");
          return performance.now() - killedAtMs;
        });
        for (const ms of await Promise.all(untilCut)) assert.ok(ms >= 1_300, `${ms} ms`);
        await untilEnded(workers, leaveMs);
      });

      it("another starts on its data folder and its addresses at once, and its workers leave in peace", async () => {
        const shop = await start({ orphanGrace: "1h", drain: "1h" });
        const client = await shop.connect("web");
        await ask(client);
        const orphans = await shop.director.kill();
        const renewed = await shop.ca.issue({ names: ["shop.example"] });
        await renewed.writeTo(shop.director.dir, "shop");

        const folder = shop.director.dir;
        const successor = await startDirector({ document: shop.document, engine, folder });
        const found = await successor.waitForLog((line) => isEvent(line, "orphans-found"), leaveMs);
        assert.equal(found["orphans"], 2);
        // The worker without connections may have ended already.
        const isOrphanLeft = ({ orphans: left }: Pick<OpenConnections, "orphans">): boolean =>
          (left?.workers ?? 0) > 0;
        assert.ok(isOrphanLeft(await successor.status()));
        const { body } = await successor.api("/v1/connections");
        assert.ok(isOrphanLeft(body as OpenConnections));
        const isOnlySuccessor = async (): Promise<boolean> =>
          (await shownSerials(shop.clientOf("web"))).join(" ") === renewed.serial;
        await eventually(isOnlySuccessor, leaveMs, "handshakes with the successor only");
        await ask(client);
        client.end();
        await client.read.toEnd();
        await untilEnded(orphans, leaveMs);
        assert.deepEqual(await shownSerials(shop.clientOf("web")), [renewed.serial]);
        await untilServing(successor, 2);
        const isForgotten = async () => (await successor.status()).orphans === undefined;
        await eventually(isForgotten, leaveMs, "a status without orphans");
        assert.equal((await successor.status()).revision, 1);
        assert.equal((await successor.stop()).code, 0);
      });

      it("another ends those of its workers that hang", async () => {
        const shop = await start({ orphanGrace: "1h", drain: "300ms" });
        const orphans = await shop.director.kill();
        const [hung] = orphans;
        assert.ok(hung !== undefined);
        process.kill(hung.pid, "SIGSTOP");
        const folder = shop.director.dir;
        const successor = await startDirector({ document: shop.document, engine, folder });
        await untilEnded(orphans, leaveMs);
        assert.equal((await shownSerials(shop.clientOf("web"))).length, 1);
        assert.equal((await successor.stop()).code, 0);
      });
    },
    { concurrency: false },
  );
});
