import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { eventually, withDeadline } from "#harness/deadline.ts";
import { startAcceptingEndpoint, type AcceptingEndpoint } from "#harness/accepting-endpoint.ts";
import type { Director } from "#harness/director.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent, LogCapture, type LogLine } from "#harness/log-capture.ts";
import { untilClosed } from "#harness/many-clients.ts";
import {
  descendantsOf,
  isAlive,
  workersBelow,
  type ProcessIdentity,
} from "#harness/process-facts.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import type { SocketClient } from "#harness/socket-client.ts";
import type { TlsClient } from "#harness/tls-client.ts";
import { prepareServe, startTlsd } from "#harness/tlsd.ts";
import { connectionsByPid, twoWorkersOf } from "#harness/worker-changes.ts";

const stopMs = 40_000;
/** What the kernel tells the client of a worker that has exited: the end without close_notify, or a reset. */
const brokenOff = /^(end|ECONNRESET)$/;

describe("a director that is told to stop", { concurrency: 2 }, () => {
  forEachEngineIfLong(
    "bun",
    (engine) => {
      const start = async (
        settings: object,
      ): Promise<{
        readonly shop: Shop<"web">;
        readonly director: Director;
        readonly pair: () => Promise<[TlsClient, SocketClient]>;
      }> => {
        const endpoint: AcceptingEndpoint = await startAcceptingEndpoint();
        const shop = await startShop({
          engine,
          workers: 2,
          listeners: { web: { to: endpoint.endpoint.port } },
          more: { director: settings },
        });
        const pair = async (): Promise<[TlsClient, SocketClient]> => {
          const client = await shop.connect("web");
          return [client, await endpoint.accept()];
        };
        return { shop, director: shop.director, pair };
      };

      const lineOf = (director: Director, event: string): Promise<LogLine> =>
        director.waitForLog((line) => isEvent(line, event), stopMs);

      const drain = async (director: Director): Promise<readonly ProcessIdentity[]> => {
        const workers = descendantsOf(director.pid);
        director.signal("SIGTERM");
        await lineOf(director, "draining");
        return workers;
      };

      const assertGone = async (
        director: Director,
        workers: readonly ProcessIdentity[],
      ): Promise<void> => {
        const { code, signal } = await withDeadline(
          director.exited,
          stopMs,
          "the end of the director",
        );
        assert.deepEqual({ code, signal }, { code: 0, signal: null });
        assert.equal(workers.length, 2);
        assert.ok(!workers.some(isAlive));
        assert.ok(!existsSync(director.socketPath));
      };

      it("accepts no more, takes no change, lets answers end and exits 0", async () => {
        const { shop, director, pair } = await start({ drain: "1h" });
        const [client, server] = await pair();
        await client.send("request");
        await server.read.bytes(7);
        const workers = await drain(director);
        assert.equal((await lineOf(director, "draining"))["deadlineMs"], 3_600_000);
        await untilClosed({ host: shop.ip, port: shop.portOf("web") });
        assert.equal((await director.status()).workers.serving, 0);

        const { outcome, line } = await director.reload(shop.document);
        assert.deepEqual([outcome, line["code"]], ["refused", "draining"]);
        const ready = await director.api("/readyz");
        assert.equal(ready.status, 503);
        assert.equal((await director.status()).state, "draining");

        await server.send("the first half, ");
        await client.read.until("half, ");
        assert.equal((await director.status()).state, "draining");
        server.socket.end("the second");
        assert.equal((await client.read.toEnd()).toString(), "the second");
        client.end();
        await assertGone(director, workers);
        assert.equal((await lineOf(director, "stopped"))["cut"], 0);
      });

      it("cuts what is still open after director.drain, in workers that have a successor too", async () => {
        const { shop, director, pair } = await start({ drain: "700ms" });
        const early = [await pair(), await pair()];
        director.signal("SIGUSR2");
        await lineOf(director, "workers-replaced");
        const pairs = [...early, await pair(), await pair()];
        const startedAtMs = performance.now();
        await drain(director);
        assert.equal((await lineOf(director, "draining"))["deadlineMs"], 700);
        const untilCut = pairs.map(async ([client]) => {
          assert.equal(await client.read.outcome(stopMs), "ECONNRESET");
          return performance.now() - startedAtMs;
        });
        for (const ms of await Promise.all(untilCut)) assert.ok(ms >= 700, `${ms} ms`);
        const { code } = await withDeadline(director.exited, stopMs, "the end of the director");
        assert.equal(code, 0);
        assert.equal((await lineOf(director, "stopped"))["cut"], pairs.length);
        for (const [client] of pairs) await shop.recordOf(client);
      });

      it("does not wait for a worker that hangs", async () => {
        const { director } = await start({ drain: "1h" });
        const [hung] = await twoWorkersOf(director);
        process.kill(hung, "SIGSTOP");
        const workers = await drain(director);
        await assertGone(director, workers);
      });

      it("stops at once when it is told again", async () => {
        const { director, pair } = await start({ drain: "1h" });
        const [client] = await pair();
        const workers = await drain(director);
        director.signal("SIGTERM");
        await assertGone(director, workers);
        await lineOf(director, "stopped");
        assert.match(await client.read.outcome(), brokenOff);
      });

      it("goes on draining when a worker is killed, and replaces it no more", async () => {
        const { director, pair } = await start({ drain: "1h" });
        const pairs: [TlsClient, SocketClient][] = [];
        const counts = await eventually(
          async () => {
            if (pairs.length < 24) pairs.push(await pair());
            const byPid = await connectionsByPid(director);
            const all = [...byPid.values()];
            const isComplete = all.reduce((sum, count) => sum + count, 0) === pairs.length;
            return isComplete && all.every((count) => count > 0) && byPid;
          },
          stopMs,
          "connections on both workers",
        );
        const workers = await drain(director);
        const [victim] = await twoWorkersOf(director);
        const lost = counts.get(victim) ?? 0;
        process.kill(victim, "SIGKILL");
        await lineOf(director, "worker-gone");
        assert.equal((await director.status()).state, "draining");
        const outcomes = await Promise.all(
          pairs.map(async ([client, server]) => {
            server.socket.on("error", () => undefined);
            server.socket.end("the answer");
            const answer = await client.read.toEnd().catch(() => Buffer.alloc(0));
            client.end();
            return answer.toString();
          }),
        );
        assert.equal(
          outcomes.filter((answer) => answer === "the answer").length,
          pairs.length - lost,
        );
        await assertGone(director, workers);
        assert.equal((await lineOf(director, "stopped"))["cut"], lost);
        assert.ok(
          !director.logs.some((line) => isEvent(line, "worker-ready") && line["worker"] === 3),
        );
      });

      it("leaves nothing behind when it is told so while it starts", async () => {
        // On a busy machine, the director may be ready before this process sees that it starts.
        for (let attempts = 5, wasReady = true; wasReady; attempts -= 1) {
          assert.ok(attempts > 0, "the director was ready too soon");
          const layout = await prepareServe({ document: { director: {} }, engine });
          const log = new LogCapture();
          const running = await startTlsd(layout.args, { onLine: (line) => log.add(line) });
          // The first line that tells of its surroundings comes once the director takes signals.
          await log.waitFor((line) => "event" in line, stopMs);
          const below = await eventually(
            () => workersBelow(running.pid).length > 0 && descendantsOf(running.pid),
            stopMs,
            "the first process of a worker",
          );
          running.child.kill("SIGTERM");
          const { code } = await withDeadline(running.exited, stopMs, "the end of the director");
          wasReady = log.lines.some((line) => isEvent(line, "ready"));
          assert.equal(code, 0, log.text());
          assert.ok(!below.some(isAlive));
          assert.ok(!existsSync(`${layout.dataPath}/tlsd.sock`));
        }
      });
    },
    { concurrency: false },
  );
});
