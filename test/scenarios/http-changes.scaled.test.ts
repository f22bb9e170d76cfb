import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { echoWebSocket } from "#harness/echo-web-socket.ts";
import { startEndpoint } from "#harness/endpoint.ts";
import { forEachEngine } from "#harness/engines.ts";
import { NonceClient } from "#harness/nonce-clients.ts";
import { Arrivals, startNonceEndpoint } from "#harness/nonce-endpoint.ts";
import type { Tally } from "#harness/nonce-judge.ts";
import { patternBytes } from "#harness/pattern.ts";
import { isAlive } from "#harness/process-facts.ts";
import { scaled } from "#harness/run-length.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { writeFiles } from "#harness/temp-folder.ts";
import type { TlsClient } from "#harness/tls-client.ts";
import { connectionsByPid, twoWorkersOf, untilServing } from "#harness/worker-changes.ts";

/** Enough connections that each of the workers has some. */
const clientsOfKind = 6;
const keptClients = 16;
const changes = scaled({ short: 8, long: 60 });
const betweenChangesMs = 100;
/** More than the kernels hold on the way to a client that does not read. */
const body = patternBytes(8 << 20);
const partBytes = 128 * 1024;

/** Answers of which a part comes only when `release` is called. */
class OpenAnswers {
  readonly #waiting: (() => void)[] = [];

  get count(): number {
    return this.#waiting.length;
  }

  release(): void {
    for (const go of this.#waiting.splice(0)) go();
  }

  answer({ url }: IncomingMessage, response: ServerResponse): void {
    if (url === "/large") response.end(body);
    else if (url === "/events") {
      response.writeHead(200, { "content-type": "text/event-stream" }).write("data: first\n\n");
      this.#waiting.push(() => response.end("data: last\n\n"));
    } else if (url === "/poll") this.#waiting.push(() => response.end("news"));
    else response.end("at once");
  }
}

/** A text frame of a client, masked with zeros (RFC 6455 section 5.2). */
const frame = (text: string): Buffer =>
  Buffer.concat([Buffer.of(0x81, 0x80 | text.length, 0, 0, 0, 0), Buffer.from(text)]);

forEachEngine((engine) => {
  describe("two workers of mode http", { concurrency: false }, () => {
    const arrivals = new Arrivals();
    const open = new OpenAnswers();
    let shop: Shop<"web" | "open" | "gone">;

    before(async () => {
      const hosts = [uniqueVirtualIp(), uniqueVirtualIp()] as const;
      const one = await startNonceEndpoint(arrivals, 5_000, { host: hosts[0] });
      await startNonceEndpoint(arrivals, 5_000, { host: hosts[1], port: one.port });
      const server = process
        .getBuiltinModule("node:http")
        .createServer((request, response) => open.answer(request, response));
      server.on("upgrade", echoWebSocket);
      const slow = await startEndpoint((socket) => void server.emit("connection", socket), {
        host: hosts[0],
      });
      const mode = "http";
      shop = await startShop({
        engine,
        workers: 2,
        servers: { one: hosts[0], two: hosts[1] },
        profile: { servers: ["one"] },
        listeners: {
          web: { mode, to: one.port, accessLog: "off" },
          open: { mode, to: slow.port },
          gone: { mode, to: slow.port },
        },
      });
    });

    const ask = async (client: TlsClient, path: string, ...lines: string[]): Promise<string> => {
      const fields = ["host: shop.example", ...lines];
      await client.send(`${[`GET ${path} HTTP/1.1`, ...fields].join("\r\n")}\r\n\r\n`);
      return client.read.until("\r\n\r\n");
    };
    const askOnce = async (client: TlsClient, path = "/"): Promise<string> => {
      const head = await ask(client, path);
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1]);
      return `${head}${(await client.read.bytes(length)).toString()}`;
    };
    const connectAll = (count: number, name: "open" | "gone"): Promise<TlsClient[]> =>
      Promise.all(Array.from({ length: count }, () => shop.connect(name)));

    it("rotate a certificate while WebSockets, downloads, events and long polls go on", async () => {
      const sockets = await connectAll(clientsOfKind, "open");
      const downloads = await connectAll(2, "open");
      const events = await connectAll(clientsOfKind, "open");
      const polls = await connectAll(clientsOfKind, "open");
      const upgrade = ["connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13"];
      for (const client of sockets) {
        const key = "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==";
        assert.match(await ask(client, "/", ...upgrade, key), /^HTTP\/1\.1 101 /);
      }
      for (const client of downloads) await ask(client, "/large");
      for (const client of events) {
        await ask(client, "/events");
        await client.read.until("data: first\n\n");
      }
      for (const client of polls) {
        await client.send("GET /poll HTTP/1.1\r\nhost: shop.example\r\n\r\n");
      }
      const echoed = async (text: string): Promise<void> => {
        for (const client of sockets) {
          await client.send(frame(text));
          assert.equal((await client.read.bytes(2 + text.length)).toString().slice(2), text);
        }
      };
      await echoed("before");

      const issued = await shop.ca.issue({ names: ["shop.example"] });
      await writeFiles(shop.director.dir, {
        "shop.pem": issued.chainPem,
        "shop.key": issued.keyPem,
      });
      const isRotated = async (): Promise<boolean> => {
        const clients = await connectAll(clientsOfKind, "open");
        const serials = clients.map(({ facts }) => facts.peerCertificate.serialNumber);
        for (const client of clients) client.drop();
        return serials.every((serial) => serial.toLowerCase() === issued.serial);
      };
      await eventually(isRotated, 30_000, "the new certificate");

      await echoed("after");
      open.release();
      for (const client of events) await client.read.until("data: last\n\n\r\n0\r\n\r\n");
      for (const client of downloads) {
        for (let at = 0; at < body.length; at += partBytes) {
          const part = body.subarray(at, at + partBytes);
          assert.ok((await client.read.bytes(partBytes)).equals(part), `at ${at}`);
        }
      }
      for (const client of polls) {
        const head = await client.read.until("\r\n\r\n");
        assert.equal((await client.read.bytes("news".length)).toString(), "news");
        // The certificate is another one, but the identity of the name is the same.
        assert.doesNotMatch(head, /^connection: close/im);
        assert.match(await askOnce(client), /at once$/);
      }
      for (const client of [...sockets, ...downloads, ...events, ...polls]) client.drop();
    });

    it("serve clients of all kinds through moves and reloads, and no request fails", async () => {
      const tally: Tally = { answered: 0, failed: new Map(), wrong: [] };
      const stop = new AbortController();
      const { host = "", port = 0 } = shop.clientOf("web");
      const options = {
        target: { host, port, servername: "shop.example", rejectUnauthorized: false },
        ...{ arrivals, tally, signal: stop.signal },
        wasDisturbedSince: () => false,
      };
      const busy = [
        ...["a", "b", "c", "d"].map((name) => new NonceClient(name, options).keepAlive()),
        ...["e", "f"].map((name) => new NonceClient(name, options).pipelining()),
        new NonceClient("g", options).oneByOne(),
        new NonceClient("h", options).webSocket(),
      ];
      try {
        for (let change = 1; change <= changes; change += 1) {
          const servers = [change % 2 === 0 ? "one" : "two"];
          await shop.setProfile({ servers });
          const { answered } = tally;
          await eventually(() => tally.answered > answered + 20, 5_000, "answers after a change");
          await delay(betweenChangesMs);
        }
      } finally {
        stop.abort();
        await Promise.all(busy);
      }
      assert.deepEqual([tally.wrong, [...tally.failed]], [[], []]);
      assert.equal(arrivals.count, 0);
    });

    it("lose only the connections of the one that is killed, and new ones are served at once", async () => {
      const { director } = shop;
      const isOpen = async (count: number) => {
        const all = await connectionsByPid(director);
        return [...all.values()].reduce((sum, one) => sum + one, 0) === count && all;
      };
      // Workers report once a second, each at another time, so that of one the connections before could be counted.
      await eventually(() => isOpen(0), 10_000, "the end of all connections");
      const clients = await connectAll(keptClients, "open");
      for (const client of clients) assert.match(await askOnce(client), /at once$/);
      const [killed, other] = await twoWorkersOf(director);
      const counts = await eventually(() => isOpen(keptClients), 10_000, "the connections");
      process.kill(killed, "SIGKILL");
      // On a busy machine it listens for a moment longer, and what it is given by the kernel then is reset.
      await eventually(() => !isAlive(killed), 10_000, "the end of the worker");
      let served = 0;
      for (const client of clients) {
        const answer = await askOnce(client).catch(() => undefined);
        if (answer !== undefined) served += 1;
      }
      assert.equal(served, counts.get(other));
      for (const client of await connectAll(clientsOfKind, "open")) {
        assert.match(await askOnce(client), /at once$/);
      }
      await untilServing(director, 2, [killed]);
      for (const client of await connectAll(keptClients, "open")) {
        assert.match(await askOnce(client), /at once$/);
      }
    });

    it("end the connections of a listener that is removed with their next answer", async () => {
      const clients = await connectAll(clientsOfKind, "gone");
      for (const client of clients)
        assert.doesNotMatch(await askOnce(client), /connection: close/i);
      const waiting = await shop.connect("gone");
      await waiting.send("GET /poll HTTP/1.1\r\nhost: shop.example\r\n\r\n");
      await eventually(() => open.count === 1, 5_000, "the long poll at the endpoint");
      const text = JSON.stringify(shop.document);
      const document = JSON.parse(text, (key, value: unknown) => {
        const isGone = (one: { port?: unknown }) => one.port === shop.portOf("gone");
        return key === "listeners" && Array.isArray(value)
          ? value.filter((one) => !isGone(one))
          : value;
      }) as object;
      assert.equal((await shop.director.reload(document)).outcome, "applied");
      open.release();
      for (const client of clients) {
        assert.match(await askOnce(client), /^connection: close\r$/im);
        assert.equal((await client.read.toEnd()).length, 0);
      }
      const late = (await waiting.read.toEnd()).toString();
      assert.match(late, /^HTTP\/1\.1 200 [^]*^connection: close\r$[^]*news$/im);
    });
  });
});
