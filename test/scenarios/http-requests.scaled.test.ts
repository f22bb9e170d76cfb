import assert from "node:assert/strict";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request, WebSocket, type Dispatcher } from "undici";
import { eventually } from "#harness/deadline.ts";
import { startEndpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { echoNonce, startEchoHttpEndpoint, valuesOf, type EchoView } from "#harness/http-echo.ts";
import { memoryOf } from "#harness/process-facts.ts";
import { scaled } from "#harness/run-length.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { startWebSocketEcho } from "#harness/web-socket-echo.ts";

const mixedRequests = scaled({ short: 2_000, long: 20_000 });
const bothWaysMegabytes = scaled({ short: 8, long: 256 });
const requestsAtOnce = 16;
const spoofed = {
  "x-forwarded-for": "10.0.0.1",
  X_Forwarded_Proto: "http",
  "x-forwarded-user": "root",
  x_real_ip: "10.0.0.1",
  Forwarded: "for=10.0.0.1",
  "x-request-id": "mine",
  "client-cert": ":AAAA:",
  "x-tls-version": "none",
};

forEachEngine((engine) => {
  describe("a listener of mode http", { concurrency: false }, () => {
    let shop: Shop<"echo" | "short" | "stream" | "socket" | "dead" | "bad" | "trusting">;
    let agent: Agent;
    /** How often the endpoint with short-lived connections got each nonce. */
    const visits = new Map<string, number>();

    before(async () => {
      const echo = await startEchoHttpEndpoint();
      const brief = createServer(
        { keepAliveTimeout: 50, keepAliveTimeoutBuffer: 0 },
        (incoming, response) => {
          const nonce = String(incoming.headers["nonce"]);
          visits.set(nonce, (visits.get(nonce) ?? 0) + 1);
          echoNonce(incoming, response);
          // Otherwise, Node says for how long it keeps the connection.
          response.setHeader("connection", "keep-alive");
          incoming.resume();
          response.end(`${incoming.method ?? ""} ${nonce}`);
        },
      );
      const short = await startEndpoint((peer) => void brief.emit("connection", peer));
      const stream = await startHttpEndpoint((incoming, response) => {
        if (incoming.method === "POST") {
          incoming.pipe(response);
          return;
        }
        response.writeHead(200, { "content-type": "text/event-stream" }).write("data: first\n\n");
        setTimeout(() => response.end("data: last\n\n"), 100);
      });
      const socket = await startWebSocketEcho();
      const bad = await startEndpoint(
        (peer) => void peer.on("data", () => peer.write("nonsense\r\n\r\n")),
      );
      const dead = await startEndpoint(() => undefined);
      const deadPort = dead.port;
      await dead[Symbol.asyncDispose]();
      const mode = "http";
      shop = await startShop({
        engine,
        listeners: {
          echo: {
            mode,
            to: echo.port,
            hsts: { maxAge: "60s" },
            responseFields: { set: { "x-served-by": "tlsd" }, remove: ["content-type"] },
          },
          short: { mode, to: short.port },
          stream: { mode, to: stream.port },
          socket: { mode, to: socket.port },
          dead: { mode, to: deadPort },
          bad: { mode, to: bad.port },
          trusting: {
            mode,
            to: echo.port,
            forwarded: "forwarded",
            trustedProxies: ["127.0.0.0/8"],
          },
        },
      });
      agent = new Agent({ connect: { ca: shop.ca.certificatePem, servername: "shop.example" } });
      closeAtTestEnd(() => agent.destroy());
    });

    type Listener = Parameters<typeof shop.portOf>[0];
    const send = (
      listener: Listener,
      path: string,
      options: Partial<Dispatcher.RequestOptions> = {},
      dispatcher = agent,
    ): Promise<Dispatcher.ResponseData> =>
      request(`https://${shop.ip}:${shop.portOf(listener)}${path}`, { ...options, dispatcher });
    const echoed = async (
      listener: Listener,
      options: Partial<Dispatcher.RequestOptions> = {},
    ): Promise<EchoView> => (await (await send(listener, "/a?b", options)).body.json()) as EchoView;

    it("tells endpoints who the client is, whatever an untrusted client says", async () => {
      const host = `${shop.ip}:${shop.portOf("echo")}`;
      // undici writes Connection itself.
      await using client = await shop.connect("echo");
      const fields = Object.entries({ host, ...spoofed, "x-mine": "1", "x-kept": "2" });
      const options = "connection: close, x-mine, x-forwarded-for, host, content-length";
      client.socket.write(
        `POST /a?b HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")}${options}\r\ncontent-length: 4\r\n\r\nbody`,
      );
      const answer = (await client.read.toEnd()).toString();
      const view = JSON.parse(
        answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1),
      ) as EchoView;
      assert.deepEqual([view.method, view.url, view.body], ["POST", "/a?b", "body"]);
      assert.deepEqual(valuesOf(view, "x-forwarded-for"), ["127.0.0.1"]);
      assert.deepEqual(valuesOf(view, "x-forwarded-proto"), ["https"]);
      assert.deepEqual(valuesOf(view, "x-forwarded-host"), [host]);
      assert.deepEqual(valuesOf(view, "x-forwarded-port"), [String(shop.portOf("echo"))]);
      assert.deepEqual(valuesOf(view, "x-kept"), ["2"]);
      const [id = "mine"] = valuesOf(view, "x-request-id");
      assert.notEqual(id, "mine");
      const names = view.rawHeaders
        .filter((_name, at) => at % 2 === 0)
        .map((name) => name.toLowerCase());
      for (const name of [
        "x-mine",
        "x-forwarded-user",
        "x_real_ip",
        "x_forwarded_proto",
        "forwarded",
        "client-cert",
        "x-tls-version",
        "connection",
      ])
        assert.ok(!names.includes(name), name);
    });

    it("completes what a trusted client says, as Forwarded if that is set", async () => {
      const view = await echoed("trusting", { headers: spoofed });
      assert.deepEqual(valuesOf(view, "forwarded"), [
        `for=10.0.0.1, for=127.0.0.1;host="${shop.ip}:${shop.portOf("trusting")}";proto=https`,
      ]);
      assert.deepEqual(valuesOf(view, "x-request-id"), ["mine"]);
      assert.deepEqual(valuesOf(view, "client-cert"), []);
    });

    it("edits answers, and has errors of its own as text or JSON", async () => {
      const { headers, body } = await send("echo", "/");
      await body.dump();
      assert.match(String(headers["strict-transport-security"]), /^max-age=60/);
      assert.equal(headers["x-served-by"], "tlsd");
      assert.equal(headers["content-type"], undefined);
      const text = await send("dead", "/");
      assert.equal(text.statusCode, 503);
      assert.match(
        await text.body.text(),
        /^503 Service Unavailable\nNo server is available\.\nRequest id: \S+\n$/,
      );
      const json = await send("bad", "/", { headers: { accept: "application/json" } });
      assert.equal(json.statusCode, 502);
      const { status, reason, requestId } = (await json.body.json()) as Record<string, unknown>;
      assert.deepEqual([status, reason, typeof requestId], [502, "Bad Gateway", "string"]);
    });

    it("passes server-sent events on at once", async () => {
      const { body } = await send("stream", "/");
      const chunks: string[] = [];
      for await (const chunk of body) chunks.push(String(chunk));
      assert.deepEqual(chunks, ["data: first\n\n", "data: last\n\n"]);
    });

    it("passes a body on both ways at once, bit by bit, with flat memory", async () => {
      const piece = Buffer.from(
        Array.from({ length: 1024 * 1024 }, (_, at) => (at * 31 + (at >> 8)) & 0xff),
      );
      const passBothWays = async (megabytes: number): Promise<void> => {
        const sent = Readable.from(Array.from({ length: megabytes }, () => piece));
        const { body } = await send("stream", "/", { method: "POST", body: sent });
        let at = 0;
        for await (const chunk of body as AsyncIterable<Buffer>) {
          for (let from = 0; from < chunk.length;) {
            const place = at % piece.length;
            const length = Math.min(chunk.length - from, piece.length - place);
            assert.ok(
              chunk.subarray(from, from + length).equals(piece.subarray(place, place + length)),
            );
            from += length;
            at += length;
          }
        }
        assert.equal(at, megabytes * piece.length);
      };
      // Runtimes grow with their first load, whatever it is.
      await passBothWays(bothWaysMegabytes / 4);
      const pid = await shop.workerPid();
      const baseBytes = memoryOf(pid).anonymousBytes;
      await passBothWays(bothWaysMegabytes);
      // What is garbage is given back some time later.
      await eventually(() => memoryOf(pid).anonymousBytes - baseBytes < 40_000_000, 10_000);
    });

    it("loses no request and repeats none, with an endpoint that keeps connections for 50 ms", async () => {
      let next = 0;
      let unrepeatable = 0;
      const methods = ["GET", "GET", "POST", "HEAD", "PUT", "DELETE"] as const;
      const ask = async (): Promise<void> => {
        while (next < mixedRequests) {
          const nonce = `${engine}-${next}`;
          const method = methods[next % methods.length] ?? "GET";
          next += 1;
          const hasBody = method === "POST" || method === "PUT";
          const { statusCode, headers, body } = await send("short", "/", {
            method,
            headers: { nonce },
            ...(hasBody ? { body: nonce } : {}),
          });
          const text = await body.text();
          // What may not be repeated fails if the endpoint closes the connection at that moment.
          if (statusCode === 502 && hasBody) {
            unrepeatable += 1;
            continue;
          }
          assert.equal(statusCode, 200);
          assert.equal(headers["nonce"], nonce);
          if (method !== "HEAD") assert.equal(text, `${method} ${nonce}`);
          if (next % 50 === 0) await sleep(next % 100 === 0 ? 45 : 55);
        }
      };
      await Promise.all(Array.from({ length: requestsAtOnce }, ask));
      // None on a quiet machine. On a busy one, the close of the endpoint is seen late.
      assert.ok(unrepeatable <= mixedRequests / 20, `${unrepeatable}`);
      assert.ok(visits.size >= mixedRequests - unrepeatable && visits.size <= mixedRequests);
      assert.deepEqual(
        [...visits].filter(([, times]) => times !== 1),
        [],
      );
    });

    it("keeps a WebSocket through a change", async () => {
      const url = `wss://${shop.ip}:${shop.portOf("socket")}/`;
      const socket = new WebSocket(url, { dispatcher: agent });
      const received: string[] = [];
      socket.addEventListener("message", ({ data }) => received.push(String(data)));
      await new Promise((resolve, reject) => {
        socket.addEventListener("open", resolve);
        socket.addEventListener("error", reject);
      });
      socket.send("before");
      await eventually(() => received.includes("before"), 5_000, "the first message");
      await shop.setProfile({ servers: [{ server: "web", weight: 2 }] });
      socket.send("after");
      await eventually(() => received.includes("after"), 5_000, "the second message");
      socket.close();
      await shop.untilMetric(
        "tlsd_http_exchanges_ended_total",
        1,
        { outcome: "upgraded" },
        "socket",
      );
    });

    it("says Connection: close in the answers of a drain, and then ends", async () => {
      const single = new Agent({
        connections: 1,
        connect: { ca: shop.ca.certificatePem, servername: "shop.example" },
      });
      await (await send("echo", "/", {}, single)).body.dump();
      await agent.destroy();
      const stopped = shop.director.stop();
      await shop.director.waitForLog((line) => JSON.stringify(line).includes("drain"));
      await eventually(
        async () => {
          const { headers, body, statusCode } = await send("echo", "/", {}, single);
          await body.dump();
          assert.equal(statusCode, 200);
          return headers["connection"] === "close";
        },
        5_000,
        "an answer with Connection: close",
      );
      await single.close();
      assert.equal((await stopped).code, 0);
    });
  });
});
