import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { chromium, type Browser } from "playwright-core";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { echoWebSocket } from "#harness/echo-web-socket.ts";
import { startEndpoint } from "#harness/endpoint.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { isEvent } from "#harness/log-capture.ts";
import { findProgram, requirePackage } from "#harness/packages.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { createTestCa } from "#harness/test-ca.ts";

const bodyBytes = 1_000_000;
const names = ["shop.example", "other.example"] as const;
type Name = (typeof names)[number];
/** The listeners by what Chromium negotiates with them. */
const ports = { h2: 8443, "http/1.1": 8444 } as const;
type Protocol = keyof typeof ports;
/** More than the streams that a session may have at once. */
const fetchesAtOnce = 150;

/** What the endpoint has got, in order: the name, the method and the path. */
type Visits = string[];

/** An HTTP endpoint of a page: it echoes bodies and WebSocket frames, and sends events. */
function startPageEndpoint(visits: Visits) {
  const server = process.getBuiltinModule("node:http").createServer((request, response) => {
    visits.push(`${request.headers.host?.split(":")[0]} ${request.method} ${request.url}`);
    if (request.url === "/events") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      // The second event comes only when the first one has arrived: the page asks for it.
      response.write("data: first\n\n");
      server.once("second", () => response.end("data: second\n\n"));
      return;
    }
    if (request.url === "/second") server.emit("second");
    if (request.method === "POST") {
      request.pipe(response);
      return;
    }
    request.resume();
    response.setHeader("content-type", "text/html").setHeader("access-control-allow-origin", "*");
    response.end(`<title>${request.headers.host}</title>`);
  });
  server.on("upgrade", echoWebSocket);
  return startEndpoint((socket) => void server.emit("connection", socket));
}

forEachEngineIfLong("bun", (engine) => {
  describe("Chromium", () => {
    const ip = uniqueVirtualIp();
    const visits: Visits = [];
    let director: Director;

    before(async () => {
      const ca = await createTestCa();
      const issued = await ca.issue({ names });
      const endpoint = await startPageEndpoint(visits);
      const listenerOf = (protocol: Protocol): object => ({
        port: ports[protocol],
        ...{ to: endpoint.port, certificates: ["shop"], mode: "http", accessLog: "full" },
        names: { "other.example": { policy: "new" } },
        ...(protocol === "h2" ? {} : { protocols: [protocol] }),
      });
      director = await startDirector({
        engine,
        workers: 1,
        document: shopDocument({
          ip,
          servers: { one: endpoint.host },
          to: endpoint.port,
          vnic: { listeners: [listenerOf("h2"), listenerOf("http/1.1")] },
          more: { policies: { new: { minVersion: "TLSv1.3" } } },
        }),
        files: { "shop.pem": issued.chainPem, "shop.key": issued.keyPem },
      });
    });

    const launch = async (): Promise<Browser> => {
      const browser = await chromium.launch({
        executablePath: findProgram("chromium") ?? "chromium",
        args: [
          ...["--no-sandbox", "--disable-gpu", "--ignore-certificate-errors"],
          `--host-resolver-rules=${names.map((name) => `MAP ${name} ${ip}`).join(",")}`,
        ],
      });
      closeAtTestEnd(() => browser.close());
      return browser;
    };

    for (const protocol of ["h2", "http/1.1"] as const) {
      it(`uses fetch, server-sent events and a WebSocket over ${protocol}, and asks two names of one virtual IP`, async (t) => {
        if (!(await requirePackage(t, "chromium"))) return;
        const port = ports[protocol];
        const origin = (name: Name): string => `https://${name}:${port}`;
        const linesBefore = director.logs.length;
        visits.length = 0;
        const page = await (await launch()).newPage();
        await page.goto(`${origin("shop.example")}/`);
        assert.equal(await page.title(), `shop.example:${port}`);

        const fetched = await page.evaluate(async (bytes) => {
          const got = await fetch("/got");
          const head = await fetch("/head", { method: "HEAD" });
          const posted = await fetch("/posted", { method: "POST", body: "b".repeat(bytes) });
          return [got.status, head.status, await head.text(), (await posted.text()).length];
        }, bodyBytes);
        assert.deepEqual(fetched, [200, 200, "", bodyBytes]);

        const manyTexts = await page.evaluate(async (count) => {
          const numbers = Array.from({ length: count }, (_, number) => String(number));
          const answers = await Promise.all(
            numbers.map(async (body) => (await fetch("/many", { method: "POST", body })).text()),
          );
          return answers.filter((text, number) => text === numbers[number]).length;
        }, fetchesAtOnce);
        assert.equal(manyTexts, fetchesAtOnce);

        // Chromium sends a body that it has not whole yet over HTTP/2 only.
        const streamed = await page.evaluate(async () => {
          const pieces = ["one", "two", "three"];
          const body = new ReadableStream({
            async pull(controller) {
              await new Promise((resolve) => setTimeout(resolve, 20));
              const piece = pieces.shift();
              if (piece === undefined) controller.close();
              else controller.enqueue(new TextEncoder().encode(piece));
            },
          });
          const init = { method: "POST", body, duplex: "half" } as const;
          return (await fetch("/streamed", init).catch(() => undefined))?.text();
        });
        assert.equal(streamed, protocol === "h2" ? "onetwothree" : undefined);

        const events = await page.evaluate(async () => {
          const source = new EventSource("/events");
          const next = (): Promise<string> =>
            new Promise((resolve) => {
              const take = (event: MessageEvent): void => resolve(String(event.data));
              source.addEventListener("message", take, { once: true });
            });
          const first = await next();
          const second = next();
          await fetch("/second");
          const seen = [first, await second];
          source.close();
          return seen;
        });
        assert.deepEqual(events, ["first", "second"]);

        const echoed = await page.evaluate(async (url) => {
          const socket = new WebSocket(url);
          await new Promise((resolve, reject) => {
            socket.addEventListener("open", resolve);
            socket.addEventListener("error", reject);
          });
          const seen: string[] = [];
          for (const text of ["one", "two", "three"]) {
            socket.send(text);
            const event = await new Promise<MessageEvent>((resolve) =>
              socket.addEventListener("message", resolve, { once: true }),
            );
            seen.push(String(event.data));
          }
          socket.close();
          return seen;
        }, `wss://shop.example:${port}/socket`);
        assert.deepEqual(echoed, ["one", "two", "three"]);

        // The names have different TLS identities, so the browser must not use a connection of one for the other.
        const titles = await page.evaluate(
          async (origins) => {
            const answers = await Promise.all(
              origins.map(async (from) => (await fetch(`${from}/`)).text()),
            );
            return answers.map((text) => /<title>(.*)<\/title>/.exec(text)?.[1]);
          },
          [origin("other.example"), origin("shop.example"), origin("other.example")],
        );
        assert.deepEqual(titles, [
          `other.example:${port}`,
          `shop.example:${port}`,
          `other.example:${port}`,
        ]);
        assert.ok(visits.includes("other.example GET /"));
        assert.equal(visits.filter((visit) => visit === "shop.example POST /posted").length, 1);

        const version = protocol === "h2" ? "HTTP/2.0" : "HTTP/1.1";
        const lineOf = (path: string) =>
          director.waitForLog(
            (line) => isEvent(line, "exchange") && line["path"] === path,
            10_000,
            linesBefore,
          );
        for (const path of ["/got", "/posted", "/many", "/events", "/socket"]) {
          const { protocol: spoken, outcome } = await lineOf(path);
          const ended = path === "/socket" ? "upgraded" : "completed";
          assert.deepEqual([path, spoken, outcome], [path, version, ended]);
        }
      });
    }
  });
});
