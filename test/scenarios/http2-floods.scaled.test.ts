import assert from "node:assert/strict";
import { connect, type ClientHttp2Session } from "node:http2";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ERROR, FRAME, SETTING } from "#dataplane/http/h2/frames.ts";
import { eventually } from "#harness/deadline.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import {
  blockFramesOf,
  headOfReferences,
  HPACK_BOMBS,
  HTTP2_ATTACKS,
  type Attack,
} from "#harness/http2-attacks.ts";
import {
  blockOf,
  dataOf,
  headersOf,
  requestFieldsOf,
  resetOf,
  settingsOf,
  windowUpdateOf,
} from "#harness/http2-client.ts";
import { Http2Socket } from "#harness/http2-socket.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { memoryOf } from "#harness/process-facts.ts";
import { scaled } from "#harness/run-length.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { startUnresponsiveEndpoint } from "#harness/unresponsive-endpoint.ts";

const bombsOfConnection = scaled({ short: 40, long: 1_000 });
const stuckStreams = scaled({ short: 4, long: 16 });
const headBombs = 10;
const oneByteFrames = 60_000;
const framesOfBatch = 50;
const visitEveryMs = 25;
/** A client that is served at all on a busy machine is served in this time. */
const servedMs = 15_000;
/** On Node, a part of what is garbage stays until the worker has more work. All of what the attackers ask for would be over 300 MB. */
const maxGrowthBytes = { bun: 96 * 2 ** 20, node: 192 * 2 ** 20 };
const bigBody = Buffer.alloc(3_000_000, "b");

/** Sends a GET over a session. Resolves with the status. */
const visit = (session: ClientHttp2Session): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const stream = session.request({ ":path": "/" });
    let status: unknown;
    stream.on("response", (fields) => {
      status = fields[":status"];
    });
    stream.on("end", () => resolve(status));
    stream.on("error", reject);
    stream.resume();
    stream.end();
  });

forEachEngine((engine) => {
  describe("hostile clients of HTTP/2", { concurrency: false }, () => {
    let shop: Shop<"web" | "stuck">;
    let endpoint: Endpoint;
    let pid = 0;
    let memoryBefore = 0;
    let innocent: ClientHttp2Session;
    const growthNow = (): number => memoryOf(pid).anonymousBytes - memoryBefore;
    /** What is garbage is given back some time later. */
    const untilLittleHeld = (): Promise<boolean> =>
      eventually(
        () => growthNow() < maxGrowthBytes[engine],
        10_000,
        () => `${growthNow()} bytes`,
      );
    const over = new AbortController();
    let visits = 0;
    let slowestMs = 0;
    let mostConnections = 0;
    let visiting: Promise<void> = Promise.resolve();

    /** Visits the listener again and again over one session. */
    async function visitUntilOver(): Promise<void> {
      while (!over.signal.aborted) {
        const startedMs = performance.now();
        assert.equal(await visit(innocent), 200);
        slowestMs = Math.max(slowestMs, performance.now() - startedMs);
        visits += 1;
        mostConnections = Math.max(mostConnections, endpoint.open.size);
        await delay(visitEveryMs);
      }
    }

    before(async () => {
      endpoint = await startHttpEndpoint((request, response) => {
        request.resume();
        response.on("error", () => undefined);
        if (request.url === "/big") response.end(bigBody);
        else if (request.method === "GET") response.end("served");
        // An answer to the body comes after it.
        else request.on("end", () => response.end("posted"));
      });
      const stuck = await startUnresponsiveEndpoint();
      const listener = { mode: "http", accessLog: "off" };
      shop = await startShop({
        engine,
        more: { director: { relayMemory: "32MiB" } },
        listeners: {
          web: { ...listener, to: endpoint.port },
          stuck: { ...listener, to: stuck.port, timeouts: { connect: "60s" } },
        },
      });
      pid = await shop.workerPid();
      innocent = connect(`https://${shop.ip}:${shop.portOf("web")}`, {
        rejectUnauthorized: false,
        servername: "shop.example",
      });
      closeAtTestEnd(() => {
        innocent.destroy();
        return Promise.resolve();
      });
      for (let count = 0; count < 20; count += 1) await visit(innocent);
      memoryBefore = memoryOf(pid).anonymousBytes;
      visiting = visitUntilOver();
      visiting.catch(() => undefined);
    });

    after(() => {
      over.abort();
    });

    /** Sends the frames of an attack until the connection has ended. */
    async function carryOut({ first, frame, most, code }: Attack): Promise<void> {
      await using client = await Http2Socket.connect(
        shop.clientOf("web"),
        first ?? Buffer.alloc(0),
      );
      for (let sent = 0; sent < most && client.ended === undefined; sent += framesOfBatch) {
        const count = Math.min(framesOfBatch, most - sent);
        await client.sent(...Array.from({ length: count }, (_, at) => frame(sent + at)));
      }
      const ended = await client.untilClosed();
      assert.deepEqual([ended, client.goaways().at(-1)?.[1]], ["end", code]);
    }

    describe("that", { concurrency: 4 }, () => {
      for (const attack of HTTP2_ATTACKS) {
        it(`send ${attack.title} are ended as ${attack.cause}`, () => carryOut(attack));
      }

      for (const [title, bombOf] of Object.entries(HPACK_BOMBS)) {
        it(`send ${title} get 431, and go on`, async () => {
          await using client = await Http2Socket.connect(
            shop.clientOf("web"),
            windowUpdateOf(0, bigBody.length),
          );
          for (let number = 0; number < bombsOfConnection; number += 1) {
            await client.sent(bombOf(2 * number + 1));
          }
          const last = 2 * bombsOfConnection + 1;
          client.send(headersOf(last, requestFieldsOf()));
          await client.untilEnded([1, last - 2, last], 60_000);
          assert.deepEqual(
            [client.statusOf(1), client.statusOf(last - 2), client.statusOf(last)],
            ["431", "431", "200"],
          );
          assert.deepEqual(client.goaways(), []);
        });
      }

      it("change the size of the table 16,000 times in a block are served", async () => {
        await using client = await Http2Socket.connect(shop.clientOf("web"));
        const sizes = Buffer.concat(
          Array.from({ length: 4_000 }, () => Buffer.of(0x20, 0x3f, 0xe1, 0x1f)),
        );
        client.send(blockFramesOf(1, Buffer.concat([sizes, blockOf(requestFieldsOf())])));
        await client.untilEnded([1]);
        assert.equal(client.statusOf(1), "200");
      });

      it("open their windows by one byte each time are ended as tiny-windows", async () => {
        const ids = Array.from({ length: 100 }, (_, number) => 2 * number + 1);
        await using client = await Http2Socket.connect(
          shop.clientOf("web"),
          settingsOf([SETTING.initialWindowSize, 1]),
          ...ids.map((id) => headersOf(id, requestFieldsOf({ ":path": "/big" }))),
        );
        const hasData = (count: number): Promise<unknown> =>
          eventually(
            () =>
              client.ended !== undefined ||
              client.frames.filter(({ type }) => type === FRAME.data).length >= count,
          );
        for (let round = 1; round < 10 && client.ended === undefined; round += 1) {
          await hasData(100 * round);
          await client.sent(...ids.map((id) => windowUpdateOf(id, 1)));
        }
        assert.equal(await client.untilClosed(), "end");
        assert.equal(client.goaways().at(-1)?.[1], ERROR.enhanceYourCalm);
      });

      it("send PING and take no answers are ended", async () => {
        const options = { ...shop.clientOf("web"), reads: false };
        await using client = await Http2Socket.connect(options);
        const [ping] = HTTP2_ATTACKS;
        assert.equal(ping?.cause, "ping-flood");
        await client.sent(...Array.from({ length: 5_000 }, (_, at) => ping.frame(at)));
        client.read();
        assert.equal(await client.untilClosed(), "end");
        assert.equal(client.goaways().at(-1)?.[1], ERROR.enhanceYourCalm);
      });
    });

    it("that open no window for 100 large answers hold little memory, and lose nothing", async () => {
      const ids = Array.from({ length: 100 }, (_, number) => 2 * number + 1);
      await using client = await Http2Socket.connect(
        shop.clientOf("web"),
        settingsOf([SETTING.initialWindowSize, 0]),
        ...ids.map((id) => headersOf(id, requestFieldsOf({ ":path": "/big" }))),
      );
      await eventually(() => client.statusOf(ids.at(-1) ?? 0) === "200", 10_000);
      await untilLittleHeld();
      client.send(windowUpdateOf(199, bigBody.length), windowUpdateOf(0, bigBody.length));
      await client.untilEnded([199]);
      assert.equal(client.bodyOf(199).length, bigBody.length);
      assert.deepEqual(client.goaways(), []);
    });

    it("that send bodies in frames of one byte, while the endpoint is not connected, hold little memory", async () => {
      await using client = await Http2Socket.connect(shop.clientOf("stuck"));
      const ids = Array.from({ length: stuckStreams }, (_, number) => 2 * number + 1);
      client.send(...ids.map((id) => headersOf(id, requestFieldsOf({ ":method": "POST" }), 0)));
      const visitsBefore = visits;
      for (const id of ids) {
        const frames = Buffer.concat(Array.from({ length: 2_000 }, () => dataOf(id, "x")));
        for (let sent = 0; sent < oneByteFrames; sent += 2_000) {
          await client.sent(frames);
        }
      }
      await eventually(() => visits > visitsBefore + 2, 3 * servedMs);
      await untilLittleHeld();
      assert.deepEqual(client.goaways(), []);
    });

    it("that make heads of 6 MB of 6 KB, while the endpoint is not connected, hold no more than the limit", async () => {
      const ids = Array.from({ length: 100 }, (_, number) => 2 * number + 1);
      const clients = await Promise.all(
        Array.from({ length: headBombs }, () =>
          Http2Socket.connect(shop.clientOf("stuck"), ...ids.map(headOfReferences)),
        ),
      );
      const isOpen = (): number => clients.filter(({ ended }) => ended === undefined).length;
      // Each holds 6 MB, and the worker may hold 32.
      await eventually(
        () => isOpen() <= 6,
        10_000,
        () => `${isOpen()} open connections`,
      );
      assert.ok(isOpen() > 0);
      for (const client of clients) {
        // Otherwise, the director waits for the answers, which it can still send.
        await client.sent(...ids.map((id) => resetOf(id, ERROR.cancel)));
        await client[Symbol.asyncDispose]();
      }
    });

    it("are counted by cause, and the others were served meanwhile", async (t) => {
      over.abort();
      await visiting;
      const causes = [...HTTP2_ATTACKS.map(({ cause }) => cause), "ping-flood", "tiny-windows"];
      for (const cause of new Set(causes)) {
        const count = causes.filter((one) => one === cause).length;
        await shop.untilMetric("tlsd_http2_faults_total", count, { cause }, "web");
      }
      await shop.untilMetric("tlsd_http2_faults_total", causes.length);
      await untilLittleHeld();
      const growth = growthNow();
      t.diagnostic(
        `${visits} visits, the slowest ${slowestMs.toFixed(0)} ms; ${mostConnections} connections to the endpoint; memory grew by ${(growth / 2 ** 20).toFixed(1)} MB`,
      );
      assert.ok(visits > 5 && slowestMs < servedMs, `${visits} visits, ${slowestMs} ms`);
      // Four attackers at a time have at most 100 streams each.
      assert.ok(mostConnections <= 450, String(mostConnections));
      assert.equal(await shop.workerPid(), pid);
      innocent.close();
      await shop.untilNoneOpen();
      await eventually(() => endpoint.open.size <= 8, 10_000);
    });
  });
});
