import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { eventually } from "#harness/deadline.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent, type LogLine } from "#harness/log-capture.ts";
import { ask, shownSerials, untilServed } from "#harness/many-clients.ts";
import { workersBelow } from "#harness/process-facts.ts";
import { servedText } from "#harness/recorded-handshake.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import type { TlsClient } from "#harness/tls-client.ts";
import { connectionsByPid, twoWorkersOf, untilServing } from "#harness/worker-changes.ts";

const goneMs = 40_000;
/** A worker without a heartbeat counts as hung after 10 s. The margin is for a machine that does other work. */
const hungMs = { least: 8_000, most: 30_000 };
/** The waits before a worker is replaced for the first, second and third time. */
const backOffMs = [200, 400, 800];
/** Two clocks, each with its own rounding. */
const clockErrorMs = 20;

const timeOf = (line: LogLine): number => Date.parse(String(line["time"]));

// The tests run at the same time, because a worker counts as hung only after ten seconds.
describe("a worker", { concurrency: 2 }, () => {
  forEachEngineIfLong("node", (engine) => {
    let endpoint: Endpoint;

    before(async () => {
      endpoint = await startHttpEndpoint(servedText);
    });

    const start = (): Promise<Shop<"web">> =>
      startShop({ engine, workers: 2, listeners: { web: { to: endpoint.port } } });

    const goneLine = (shop: Shop<"web">, from: number): Promise<LogLine> =>
      shop.director.waitForLog((line) => isEvent(line, "worker-gone"), goneMs, from);

    /** Connections on both workers; gives how many there are on the first and on the second. */
    const fillBoth = async (
      shop: Shop<"web">,
    ): Promise<{ clients: TlsClient[]; pids: number[]; counts: number[] }> => {
      const clients: TlsClient[] = [];
      return eventually(
        async () => {
          if (clients.length < 24) clients.push(await shop.connect("web"));
          const byPid = await connectionsByPid(shop.director);
          const counts = [...byPid.values()];
          const isComplete = counts.reduce((sum, count) => sum + count, 0) === clients.length;
          return (
            isComplete &&
            counts.every((count) => count > 0) && { clients, pids: [...byPid.keys()], counts }
          );
        },
        40_000,
        "connections on both workers",
      );
    };

    it("that hangs, which SIGSTOP imitates, is killed and replaced while the other worker serves", async () => {
      const shop = await start();
      const { director } = shop;
      const [victim] = await twoWorkersOf(director);
      const from = director.logs.length;
      const stoppedAtMs = Date.now();
      process.kill(victim, "SIGSTOP");
      const gone = goneLine(shop, from);
      for (let count = 0; count < 6; count += 1) await untilServed(shop.clientOf("web"));
      const line = await gone;
      assert.partialDeepStrictEqual(line, { cause: "hung", exit: "signal SIGKILL" });
      const tookMs = timeOf(line) - stoppedAtMs;
      assert.ok(tookMs >= hungMs.least && tookMs <= hungMs.most, `${tookMs} ms`);
      await untilServing(director, 2, [victim]);
      assert.equal((await shownSerials(shop.clientOf("web"))).length, 1);
      const metrics = await director.metrics();
      assert.equal(metrics.value("tlsd_worker_restarts_total", { cause: "hung" }), 1);
    });

    it("that is killed loses only its own connections, and is replaced", async () => {
      const shop = await start();
      const { clients, pids, counts } = await fillBoth(shop);
      const [victim] = pids;
      assert.ok(victim !== undefined);
      const from = shop.director.logs.length;
      process.kill(victim, "SIGKILL");
      const line = await goneLine(shop, from);
      assert.partialDeepStrictEqual(line, { cause: "exited", exit: "signal SIGKILL" });
      const outcomes = await Promise.allSettled(clients.map((client) => ask(client)));
      const survivors = outcomes.filter(({ status }) => status === "fulfilled");
      assert.equal(survivors.length, counts[1]);
      // Its successor is not up yet, or has only just come up: each of these is served.
      assert.equal((await shownSerials(shop.clientOf("web"))).length, 1);
      await untilServing(shop.director, 2, [victim]);
      assert.equal((await shownSerials(shop.clientOf("web"))).length, 1);
      // A zombie that nobody waits for would be one more.
      await eventually(() => workersBelow(shop.director.pid).length === 2);
      const metrics = await shop.director.metrics();
      assert.equal(metrics.value("tlsd_worker_restarts_total", { cause: "exited" }), 1);
    });

    it("that ends again and again is replaced after a longer wait each time, while the other serves", async () => {
      const shop = await start();
      const [first, other] = await twoWorkersOf(shop.director);
      let victim = first;
      for (const waitMs of backOffMs) {
        const from = shop.director.logs.length;
        process.kill(victim, "SIGKILL");
        const goneAtMs = timeOf(await goneLine(shop, from));
        await shownSerials(shop.clientOf("web"), 4);
        const workers = await untilServing(shop.director, 2, [victim]);
        const successor = workers.find(({ pid }) => pid !== other);
        assert.ok(successor !== undefined);
        const waitedMs = Date.parse(successor.startedAt) - goneAtMs;
        assert.ok(waitedMs >= waitMs - clockErrorMs, `${waitedMs} ms, of ${waitMs}`);
        victim = successor.pid;
      }
    });
  });
});
