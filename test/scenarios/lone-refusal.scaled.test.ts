import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent } from "#harness/log-capture.ts";
import { ask, shownSerials } from "#harness/many-clients.ts";
import { limitOpenFiles } from "#harness/open-file-limit.ts";
import { servedText } from "#harness/recorded-handshake.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { untilServing } from "#harness/worker-changes.ts";
import { processOf } from "#harness/worker-of.ts";

const changeMs = 30_000;
const newPort = 9443;
/** Below the lowest number that a worker has free: it keeps what it has and can open nothing. */
const noMore = 4;

describe("a change", { concurrency: 2 }, () => {
  forEachEngineIfLong("node", (engine) => {
    let endpoint: Endpoint;

    before(async () => {
      endpoint = await startHttpEndpoint(servedText);
    });

    const start = (): Promise<Shop<"web">> =>
      startShop({ engine, workers: 2, listeners: { web: { to: endpoint.port } } });

    /** The document with a second listener. A worker has to open a file for it. */
    const documentOf = (shop: Shop<"web">): object => {
      const listener = { certificates: ["shop"], to: endpoint.port };
      return shopDocument({
        ip: shop.ip,
        servers: { web: "127.0.0.1" },
        to: endpoint.port,
        vnic: {
          listeners: [
            { port: shop.portOf("web"), ...listener },
            { port: newPort, ...listener },
          ],
        },
      });
    };

    it("that one worker cannot make, as it has no file left, replaces that worker and goes on", async () => {
      const shop = await start();
      const { director } = shop;
      const client = await shop.connect("web");
      await ask(client);
      const workers = await untilServing(director, 2);
      const victim = processOf(
        client,
        workers.map(({ pid }) => pid),
      );
      await limitOpenFiles(victim, noMore);
      const from = director.logs.length;
      const { outcome } = await director.reload(documentOf(shop), changeMs);
      assert.equal(outcome, "applied");
      const refused = director.logs.slice(from).find((line) => isEvent(line, "worker-refused"));
      const refuser = workers.find(({ pid }) => pid === victim);
      assert.partialDeepStrictEqual(refused, { worker: refuser?.id, probe: "took" });

      const now = await director.workers();
      assert.equal(now.filter(({ state }) => state === "serving").length, 2);
      assert.equal(now.find(({ pid }) => pid === victim)?.state, "draining");
      // Connections of the worker that leaves go on.
      await ask(client);
      const trust = { ca: shop.ca.certificatePem, servername: "shop.example" };
      assert.equal((await shownSerials({ host: shop.ip, port: newPort, ...trust })).length, 1);
      client.end();
      await client.read.toEnd();
      await untilServing(director, 2, [victim]);
      const metrics = await director.metrics();
      assert.equal(metrics.value("tlsd_worker_restarts_total", { cause: "refused" }), 1);
    });

    it("that no worker can make is put to a fresh one, and made if that can", async () => {
      const shop = await start();
      const { director } = shop;
      const workers = await untilServing(director, 2);
      for (const { pid } of workers) await limitOpenFiles(pid, noMore);
      const { outcome } = await director.reload(documentOf(shop), changeMs);
      assert.equal(outcome, "applied");
      const serving = await untilServing(
        director,
        2,
        workers.map(({ pid }) => pid),
      );
      assert.equal(serving.length, 2);
      const trust = { ca: shop.ca.certificatePem, servername: "shop.example" };
      assert.equal((await shownSerials({ host: shop.ip, port: newPort, ...trust })).length, 1);
    });
  });
});
