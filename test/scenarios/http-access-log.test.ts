import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { eventually } from "#harness/deadline.ts";
import { startEndpoint } from "#harness/endpoint.ts";
import { forEachEngine } from "#harness/engines.ts";
import { startEchoHttpEndpoint, valuesOf, type EchoView } from "#harness/http-echo.ts";
import { isEvent, type LogLine } from "#harness/log-capture.ts";
import { startShop, type Shop } from "#harness/shop.ts";

/** A line of the combined format: every quote and every byte that is not printable is escaped. */
const text = String.raw`"(?:[ !#-\[\]-~]|\\x[0-9A-F]{2})*"`;
const COMBINED = new RegExp(
  String.raw`^\S+ - - \[[^\]"]+\] ${text} (?:\d{3}|-) (?:\d+|-) ${text} ${text}$`,
);
/** What could end a text or a line, or control a terminal. */
const ODD = [
  String.raw`" 200 1 "-" "forged`,
  String.raw`\x22\" \\`,
  "\x80\x9b[2J\xff",
  "\u00e9\t\u00a0",
  `%0a%22${"x".repeat(5_000)}`,
];

type Listener = "json" | "query" | "combined" | "bad" | "fickle";

forEachEngine((engine) => {
  describe("the access log of mode http", { concurrency: false }, () => {
    let shop: Shop<Listener>;

    before(async () => {
      const echo = await startEchoHttpEndpoint();
      const bad = await startEndpoint((peer) => {
        const fields = "content-length: 1\r\ncontent-length: 2\r\n\r\n";
        peer.on("data", () => peer.write(`HTTP/1.1 200 OK\r\n${fields}`));
      });
      // It closes a connection instead of a second answer.
      const fickle = await startEndpoint((peer) => {
        let requests = 0;
        peer.on("data", () => {
          requests += 1;
          if (requests === 1) peer.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
          else peer.end();
        });
      });
      const mode = "http";
      shop = await startShop<Listener>({
        engine,
        listeners: {
          json: { mode, to: echo.port },
          query: { mode, to: echo.port, accessLogQuery: true },
          combined: { mode, to: echo.port, accessLogFormat: "combined" },
          bad: { mode, to: bad.port, accessLog: "off" },
          fickle: { mode, to: fickle.port },
        },
      });
    });

    /** Sends a request on a connection of its own, and returns the answer. */
    async function ask(listener: Listener, line: string, lines: readonly string[] = []) {
      await using client = await shop.connect(listener);
      const fields = ["host: shop.example", "connection: close", ...lines];
      client.socket.write(`${[`${line} HTTP/1.1`, ...fields].join("\r\n")}\r\n\r\n`, "latin1");
      return (await client.read.toOutcome()).bytes.toString("latin1");
    }
    const lineOf = (listener: Listener, from: number): Promise<LogLine> =>
      shop.director.waitForLog(
        (line) =>
          isEvent(line, "exchange") && line["listener"] === `front.shop:${shop.portOf(listener)}`,
        5_000,
        from,
      );

    it("says of a request what the client and the endpoint saw, without queries", async () => {
      const from = shop.director.logs.length;
      const lines = ["referer: https://a.example/b?secret", "user-agent: test/1\u009b"];
      const beganMs = performance.now();
      const answer = await ask("json", "GET /path?secret", lines);
      const line = await lineOf("json", from);
      const view = JSON.parse(
        answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1),
      ) as EchoView;
      const { headMs, connectMs, firstByteMs, durationMs } = line as Record<string, number>;
      const times = [0, headMs ?? -1, connectMs ?? -1, firstByteMs ?? -1, durationMs ?? -1];
      assert.deepEqual(
        times,
        times.toSorted((one, other) => one - other),
      );
      assert.ok((durationMs ?? 0) <= performance.now() - beganMs);
      assert.deepEqual(
        {
          ...{ method: line["method"], path: line["path"], host: line["host"] },
          ...{ referer: line["referer"], status: line["status"], protocol: line["protocol"] },
          ...{ requestId: line["requestId"], bytesToClient: line["bytesToClient"] },
          ...{ outcome: line["outcome"], number: line["number"] },
        },
        {
          ...{ method: "GET", path: "/path", host: "shop.example" },
          ...{ referer: "https://a.example/b", status: 200, protocol: "HTTP/1.1" },
          ...{ requestId: valuesOf(view, "x-request-id")[0], bytesToClient: answer.length },
          ...{ outcome: "completed", number: 1 },
        },
      );
      assert.match(String(line["userAgent"]), /^test\/1[ -~]+$/);
    });

    it("has queries if that is set", async () => {
      const from = shop.director.logs.length;
      await ask("query", "GET /path?known", ["referer: https://a.example/b?known"]);
      const { path, referer } = await lineOf("query", from);
      assert.deepEqual([path, referer], ["/path?known", "https://a.example/b?known"]);
    });

    it("has lines in the combined format, in which no byte of a client forges anything", async () => {
      const from = shop.director.logs.length;
      const requests = [
        ...ODD.map((odd) => ["GET /", [`referer: ${odd}`, `user-agent: ${odd}`]] as const),
        ...[String.raw`GET /"\x22`, "GET /a%22?b", 'M"ETHOD /', "GET /\xe9"].map(
          (line) => [line, []] as const,
        ),
        ["GET /", [": no name"]] as const,
      ];
      let refusal = "";
      for (const [line, lines] of requests) refusal = await ask("combined", line, lines);
      const textsSoFar = (): readonly string[] =>
        shop.director.logs
          .slice(from)
          .flatMap((line) => ("text" in line ? [String(line["text"])] : []));
      await eventually(() => textsSoFar().length >= requests.length, 5_000, "the lines");
      const texts = textsSoFar();
      const bodyBytes = refusal.length - refusal.indexOf("\r\n\r\n") - 4;
      assert.equal(texts.length, requests.length);
      for (const one of texts) assert.match(one, COMBINED);
      assert.match(texts[0] ?? "", /"GET \/ HTTP\/1\.1" 200 \d+ "\\x22 200 1 /);
      assert.match(texts.at(-1) ?? "", new RegExp(`"-" 400 ${bodyBytes} "-" "-"$`));
    });

    it("has a line for each answer that broke a rule, although it is off", async () => {
      const from = shop.director.logs.length;
      assert.match(await ask("bad", "GET /"), /^HTTP\/1\.1 502 /);
      const { rule, field, outcome, status } = await lineOf("bad", from);
      assert.deepEqual(
        [rule, field, outcome, status],
        ["several-content-lengths", "content-length", "bad-answer", 502],
      );
    });

    it("says that a request was sent again, and so do the counters", async () => {
      const from = shop.director.logs.length;
      await ask("fickle", "GET /");
      assert.match(await ask("fickle", "GET /again"), /^HTTP\/1\.1 200 /);
      await shop.director.waitForLog((line) => line["path"] === "/again", 5_000, from);
      const again = shop.director.logs.find((line) => line["path"] === "/again") ?? {};
      assert.deepEqual([again["reused"], again["retried"]], [true, true]);
      await shop.untilMetric("tlsd_http_retries_total", 1, {}, "fickle");
      await shop.untilMetric("tlsd_http_pool_reused_total", 1, {}, "fickle");
    });

    it("agrees with the metrics about requests, by the class of their status", async () => {
      const listener = `front.shop:${shop.portOf("combined")}`;
      // Those of the combined format: the odd ones and those with odd lines.
      await shop.untilMetric(
        "tlsd_http_requests_total",
        ODD.length + 2,
        { class: "2xx" },
        "combined",
      );
      await shop.untilMetric("tlsd_http_requests_total", 3, { class: "4xx" }, "combined");
      const metrics = await shop.director.metrics();
      for (const name of ["tlsd_http_request_seconds", "tlsd_http_answer_seconds"]) {
        assert.equal(metrics.sum(`${name}_count`, { listener }), ODD.length + 2, name);
        assert.ok(metrics.sum(`${name}_sum`, { listener }) > 0, name);
      }
    });
  });
});
