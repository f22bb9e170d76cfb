import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startEndpoint, type Endpoint } from "#harness/endpoint.ts";
import { forEachEngine } from "#harness/engines.ts";
import { startMeasuredEndpoint } from "#harness/measured-endpoint.ts";
import { scaled } from "#harness/run-length.ts";
import { startShop, type Shop } from "#harness/shop.ts";

const limitMs = 3_000;
/** Within each limit, also on a busy machine. */
const withinMs = 500;
/** The least rate is measured over this time, and is 1 KB/s. */
const rateWindowMs = 30_000;
const maxIdle = 2;
const togetherConnections = maxIdle + 1;
/** Long enough to see the connections that are kept, also on a busy machine. */
const poolIdleMs = 2_000;

const host = "host: a\r\n";
const ofFields = (lines: string): string => `GET / HTTP/1.1\r\n${host}${lines}\r\n`;
const lineOf = (start: string, size: number, end: string): string =>
  `${start}${"x".repeat(size - start.length - end.length)}${end}`;
const posted = (chunks: string): string =>
  `POST / HTTP/1.1\r\n${host}transfer-encoding: chunked\r\n\r\n${chunks}\r\n`;

/** Requests with a part of some size: the limit, the rule above it, and the status that the client then gets. */
const REQUESTS: readonly (readonly [
  limit: number,
  rule: string,
  status: number,
  textOf: (size: number) => string,
])[] = [
  [100, "too-many-fields", 431, (size) => ofFields("a: b\r\n".repeat(size - 1))],
  [65_536, "long-head", 431, (size) => ofFields(lineOf("a: ", size - ofFields("").length, "\r\n"))],
  [
    16_384,
    "long-request-line",
    414,
    (size) => `${lineOf("GET /", size, " HTTP/1.1")}\r\n${host}\r\n`,
  ],
  [32, "long-method", 501, (size) => `${"M".repeat(size)} / HTTP/1.1\r\n${host}\r\n`],
  [
    100,
    "too-many-connection-options",
    431,
    (size) => ofFields(`connection: ${"a,".repeat(size)}\r\n`),
  ],
  [255, "bad-host", 400, (size) => `GET / HTTP/1.1\r\nhost: ${"a".repeat(size)}:443\r\n\r\n`],
  [256, "long-chunk-extension", 400, (size) => posted(`1;${"a".repeat(size - 1)}\r\nx\r\n0\r\n`)],
  [100, "too-many-fields", 431, (size) => posted(`0\r\n${"a: b\r\n".repeat(size)}`)],
];

/** Parts of answers, as the endpoint makes them, and whether the head of the answer is passed on before the limit is exceeded. */
const ANSWERS: readonly (readonly [name: string, limit: number, rule: string, isLate?: true])[] = [
  ["fields", 100, "too-many-fields"],
  ["head", 65_536, "long-head"],
  ["interim", 16, "too-many-interim-answers"],
  ["extension", 256, "long-chunk-extension", true],
  ["trailers", 100, "too-many-fields", true],
  ["after204", 0, "unasked-bytes"],
];

type Listener = "sized" | "timed" | "pooled";

forEachEngine((engine) => {
  describe("a limit of mode http", { concurrency: true }, () => {
    let shop: Shop<Listener>;
    let measured: Endpoint;
    /** It answers as soon as each of some connections has a request. */
    let pooled: Endpoint;
    let waiting = 0;

    before(async () => {
      const ip = uniqueVirtualIp();
      measured = await startMeasuredEndpoint(ip);
      pooled = await startEndpoint(
        (socket, { open }) => {
          socket.on("end", () => socket.end());
          socket.once("data", () => {
            waiting += 1;
            if (waiting < togetherConnections) return;
            for (const one of open) one.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
          });
        },
        { host: ip },
      );
      const mode = "http";
      const limit = `${limitMs}ms`;
      shop = await startShop<Listener>({
        engine,
        servers: { web: ip },
        listeners: {
          sized: { mode, to: measured.port },
          timed: {
            ...{ mode, to: measured.port },
            timeouts: { head: limit, keepAlive: limit, answer: limit, idle: limit },
          },
          pooled: { mode, to: pooled.port, pool: { maxIdle, idle: `${poolIdleMs}ms` } },
        },
      });
    });

    /** Sends a request on a connection of its own, and returns what comes until the end. */
    async function ask(listener: Listener, text: string): Promise<string> {
      await using client = await shop.connect(listener);
      client.socket.write(text, "latin1");
      client.end();
      return (await client.read.toOutcome()).bytes.toString("latin1");
    }

    describe("of a request, by size", { concurrency: true }, () => {
      for (const [limit, rule, status, textOf] of REQUESTS) {
        it(`${rule}: ${limit} are served, and one more gets ${status}`, async () => {
          assert.match(await ask("sized", textOf(limit)), /^HTTP\/1\.1 200 /);
          const refused = await ask("sized", textOf(limit + 1));
          assert.match(refused, new RegExp(`^HTTP/1\\.1 ${status} [^]*\r\nconnection: close\r\n`));
        });
      }
    });

    describe("of an answer, by size", { concurrency: true }, () => {
      for (const [name, limit, rule, isLate] of ANSWERS) {
        it(`${name}: ${limit} are passed on, and one more is not`, async () => {
          const request = (size: number): string => `GET /${name}/${size} HTTP/1.1\r\n${host}\r\n`;
          const served = await ask("sized", request(limit));
          assert.match(served, /^(?:HTTP\/1\.1 103 .*\r\n\r\n)*HTTP\/1\.1 20[04] /);
          const broken = await ask("sized", request(limit + 1));
          if (isLate === true) {
            assert.match(broken, /^HTTP\/1\.1 200 /);
            assert.ok(!broken.endsWith("0\r\n\r\n"), rule);
          } else {
            assert.match(broken, /^(?:HTTP\/1\.1 103 .*\r\n\r\n)*HTTP\/1\.1 502 /);
          }
        });
      }
    });

    it("of one rule is counted by that rule, and only above it", async () => {
      // This test runs beside those above, so it waits for the counts that they leave.
      const counted = [
        ["tlsd_http_refused_total", REQUESTS.map(([, rule]) => rule)],
        ["tlsd_http_bad_answers_total", ANSWERS.map(([, , rule]) => rule)],
      ] as const;
      for (const [metric, rules] of counted) {
        for (const [rule, cases] of Map.groupBy(rules, (name) => name)) {
          await shop.untilMetric(metric, cases.length, { rule }, "sized");
        }
        await shop.untilMetric(metric, rules.length, {}, "sized");
      }
      // Also if the answer had begun, it is the endpoint that broke it.
      const badAnswers = { outcome: "bad-answer" };
      await shop.untilMetric(
        "tlsd_http_exchanges_ended_total",
        ANSWERS.length,
        badAnswers,
        "sized",
      );
    });

    it("on the time for a head is 408 and the outcome head-timeout", async () => {
      await using client = await shop.connect("timed");
      await client.send("GET / HTTP/1.1\r\n");
      await delay(withinMs);
      await client.send(`${host}\r\n`);
      assert.match(await client.read.until("\r\n\r\n"), /^HTTP\/1\.1 200 /);
      const beganMs = performance.now();
      await client.send("GET / HTTP/1.1\r\n");
      assert.match((await client.read.toEnd()).toString(), /^HTTP\/1\.1 408 /);
      assert.ok(performance.now() - beganMs > limitMs - 10);
      await shop.untilMetric(...ended("head-timeout"));
    });

    it("on the time between two requests ends the connection", async () => {
      await using client = await shop.connect("timed");
      let askedMs = 0;
      for (const waitMs of [0, withinMs]) {
        await delay(waitMs);
        askedMs = performance.now();
        await client.send(ofFields(""));
        assert.match(await client.read.until("\r\n\r\n"), /^HTTP\/1\.1 200 /);
      }
      assert.equal((await client.read.toEnd()).length, 0);
      assert.ok(performance.now() - askedMs > limitMs - 150);
    });

    it("on the time for an answer is 504 and the outcome answer-timeout", async () => {
      const get = (path: string): string => `GET ${path} HTTP/1.1\r\n${host}\r\n`;
      const served = await ask("timed", get(`/after/${withinMs}`));
      assert.match(served, /^HTTP\/1\.1 200 /);
      const late = await ask("timed", get(`/after/${2 * limitMs}`));
      assert.match(late, /^HTTP\/1\.1 504 /);
      await shop.untilMetric(...ended("answer-timeout"));
    });

    it("on the pauses of an answer ends the connection, with the outcome idle", async () => {
      for (const [pauseMs, end] of [
        [withinMs, "12"],
        [2 * limitMs, "1"],
      ] as const) {
        await using client = await shop.connect("timed");
        await client.send(`GET /pause/${pauseMs} HTTP/1.1\r\n${host}connection: close\r\n\r\n`);
        const { bytes } = await client.read.toOutcome();
        assert.ok(bytes.toString().endsWith(`\r\n\r\n${end}`), end);
      }
      await shop.untilMetric(...ended("idle"));
    });

    it("on idle connections to an endpoint closes those above it, and all after their time", async () => {
      const clients = await Promise.all(
        Array.from({ length: togetherConnections }, () => shop.connect("pooled")),
      );
      const askedMs = performance.now();
      for (const client of clients) await client.send(ofFields(""));
      for (const client of clients) await client.read.until("\r\n\r\n");
      await eventually(() => pooled.open.size === maxIdle, 5_000, "two connections");
      await eventually(() => pooled.open.size === 0, 5_000, "none");
      assert.ok(performance.now() - askedMs > poolIdleMs / 2);
      for (const client of clients) client.drop();
    });

    const rates = scaled({ short: [], long: [1, 30 * 1024] });
    for (const bytes of rates) {
      it(`on the rate of a body ends a request of ${bytes} bytes with 408`, async () => {
        await using client = await shop.connect("sized");
        const beganMs = performance.now();
        await client.send(`POST / HTTP/1.1\r\n${host}content-length: 1000000\r\n\r\n`);
        await client.send("x".repeat(bytes));
        const windows = bytes === 1 ? 1 : 2;
        const deadlineMs = (windows + 1) * rateWindowMs;
        assert.match((await client.read.toEnd(deadlineMs)).toString(), /^HTTP\/1\.1 408 /);
        const ms = performance.now() - beganMs;
        assert.ok(Math.abs(ms - windows * rateWindowMs) < 2_000, `${ms}`);
      });
    }

    /** The count of one exchange of the listener with short deadlines that ended so. */
    const ended = (outcome: string) =>
      ["tlsd_http_exchanges_ended_total", 1, { outcome }, "timed"] as const;
  });
});
