import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { curl } from "#harness/clients.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import type { LogLine } from "#harness/log-capture.ts";
import { openFileCount } from "#harness/process-facts.ts";
import { connectionLineOf, failureLineOf } from "#harness/recorded-handshake.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rawConnect } from "#harness/socket-client.ts";
import { writeFiles } from "#harness/temp-folder.ts";

type Name = "tls" | "moved" | "default" | "hasty";

forEachEngineIfLong("node", (engine) => {
  let shop: Shop<Name>;
  let asked: string | undefined;
  let baseFiles: number;

  before(async () => {
    const endpoint = await startHttpEndpoint((request, response) => {
      asked = `${request.method} ${request.url} ${request.headers.host}`;
      response.end("served\n");
    });
    const redirect = { mode: "redirect", certificates: [] };
    shop = await startShop({
      engine,
      listeners: {
        tls: { to: endpoint.port },
        moved: { ...redirect, to: 8443 },
        default: redirect,
        hasty: { ...redirect, timeouts: { handshake: "700ms" } },
      },
    });
    baseFiles = openFileCount(await shop.workerPid());
    await writeFiles(shop.director.dir, { "ca.pem": shop.ca.certificatePem });
  });

  it("curl follows it to the TLS listener", async () => {
    const address = (name: Name): string => `shop.example:${shop.portOf(name)}`;
    const run = await curl([
      ...["--location", "--cacert", join(shop.director.dir, "ca.pem")],
      ...[
        "--resolve",
        `${address("moved")}:${shop.ip}`,
        "--resolve",
        `${address("tls")}:${shop.ip}`,
      ],
      ...["--write-out", "%{num_redirects} %{url_effective}"],
      `http://${address("moved")}/basket/7?size=xl&colour=red`,
    ]);
    const url = `https://${address("tls")}/basket/7?size=xl&colour=red`;
    assert.equal(run.output, `served\n1 ${url}`);
    assert.equal(asked, `GET /basket/7?size=xl&colour=red ${address("tls")}`);
  });

  it("curl sends a form again as it was", async () => {
    const from = `shop.example:${shop.portOf("moved")}`;
    const to = `shop.example:${shop.portOf("tls")}`;
    const run = await curl([
      ...["--location", "--cacert", join(shop.director.dir, "ca.pem"), "--data", "a=b"],
      ...["--resolve", `${from}:${shop.ip}`, "--resolve", `${to}:${shop.ip}`, `http://${from}/pay`],
    ]);
    assert.equal(run.output, "served\n");
    assert.equal(asked, `POST /pay ${to}`);
  });

  /** Sends the bytes. Resolves with the whole answer and the access line. */
  async function answer(
    bytes: string | Uint8Array,
    listener: Name = "default",
  ): Promise<{ readonly text: string; readonly line: LogLine }> {
    const localAddress = uniqueVirtualIp();
    const client = await rawConnect({ host: shop.ip, port: shop.portOf(listener), localAddress });
    void client.send(bytes).catch(() => undefined);
    const text = (await client.read.toEnd()).toString("latin1");
    client.end();
    return { text, line: await connectionLineOf(shop.director, localAddress) };
  }

  const requestOf = (...lines: readonly string[]): string => `${lines.join("\r\n")}\r\n\r\n`;

  describe("a request", { concurrency: true }, () => {
    const good: Readonly<Record<string, readonly [request: string, location: string]>> = {
      "keeps host, path and query": [
        requestOf("GET /a/b?c=d&e=%20f HTTP/1.1", "Host: shop.example"),
        "https://shop.example/a/b?c=d&e=%20f",
      ],
      "loses the port that it came to": [
        requestOf("GET / HTTP/1.1", "User-Agent: x", "HOST: shop.example:8080"),
        "https://shop.example/",
      ],
      "may be for an address": [requestOf("GET /x HTTP/1.1", "Host: [::1]:80"), "https://[::1]/x"],
      "may be of HTTP/1.0": [requestOf("HEAD / HTTP/1.0", "Host: a.b"), "https://a.b/"],
      "in absolute form leads to the host of its target, not of its Host header": [
        requestOf("GET HTTP://Other.example:8080/x?y HTTP/1.1", "Host: shop.example"),
        "https://other.example/x?y",
      ],
      "in absolute form may have no path": [
        requestOf("GET http://other.example?y HTTP/1.0"),
        "https://other.example/?y",
      ],
      "with two slashes stays at its host": [
        requestOf("GET //evil.example/ HTTP/1.1", "Host: shop.example"),
        "https://shop.example//evil.example/",
      ],
      "of OPTIONS may be for the whole server": [
        requestOf("OPTIONS * HTTP/1.1", "Host: shop.example"),
        "https://shop.example/",
      ],
      "keeps what is encoded encoded": [
        requestOf("GET /%0d%0aSet-Cookie:%20a=b HTTP/1.1", "Host: shop.example"),
        "https://shop.example/%0d%0aSet-Cookie:%20a=b",
      ],
      "may bring a body, which nobody wants": [
        requestOf("POST /x HTTP/1.1", "Host: a.b", "Content-Length: 300000") + "x".repeat(300_000),
        "https://a.b/x",
      ],
      "is the only one that is answered": [
        requestOf("GET /1 HTTP/1.1", "Host: a.b").repeat(2),
        "https://a.b/1",
      ],
    };
    for (const [name, [request, location]] of Object.entries(good)) {
      it(name, async () => {
        const { text, line } = await answer(request);
        assert.equal(
          text,
          requestOf(
            "HTTP/1.1 308 Permanent Redirect",
            `Location: ${location}`,
            "Content-Length: 0",
            "Connection: close",
          ),
        );
        assert.equal(line["outcome"], "redirected");
      });
    }

    it("is sent to the port that the listener names", async () => {
      const { text } = await answer(requestOf("GET / HTTP/1.1", "Host: shop.example:80"), "moved");
      assert.match(text, /^Location: https:\/\/shop\.example:8443\/\r$/m);
    });

    it("may come byte by byte", async () => {
      const client = await rawConnect({ host: shop.ip, port: shop.portOf("default") });
      await client.sendByteByByte(requestOf("GET /slow HTTP/1.1", "Host: shop.example"));
      assert.match((await client.read.toEnd()).toString(), /^HTTP\/1\.1 308 /);
    });
  });

  const host = "Host: shop.example";
  const hostile: Readonly<Record<string, string | Uint8Array>> = {
    "two Host headers": requestOf("GET / HTTP/1.1", host, host),
    "no Host header": requestOf("GET / HTTP/1.1"),
    "an empty Host header": requestOf("GET / HTTP/1.1", "Host:"),
    "a Host header with a user": requestOf("GET / HTTP/1.1", "Host: a@evil.example"),
    "a Host header with a path": requestOf("GET / HTTP/1.1", "Host: a.b/c"),
    "a Host header with two names": requestOf("GET / HTTP/1.1", "Host: a.b, c.d"),
    "a Host header that is folded": requestOf("GET / HTTP/1.1", "Host: a.b", " .evil.example"),
    "a space before a colon": requestOf("GET / HTTP/1.1", host, "Host : evil.example"),
    "a control character in the target": requestOf("GET /\u0001 HTTP/1.1", host),
    "a carriage return in the target": requestOf("GET /\rSet-Cookie:a=b HTTP/1.1", host),
    "a line feed in the target": requestOf("GET /\nSet-Cookie:a=b HTTP/1.1", host),
    "a zero in a header": requestOf("GET / HTTP/1.1", host, "Cookie: a\0b"),
    "a header after a bare line feed": requestOf("GET / HTTP/1.1", `${host}\nHost: evil.example`),
    "a byte above ASCII in the target": Buffer.from(
      requestOf("GET /\xe9 HTTP/1.1", host),
      "latin1",
    ),
    "a space in the target": requestOf("GET /a b HTTP/1.1", host),
    "no version": requestOf("GET /", host),
    "a user name in the target": requestOf("GET http://a@evil.example/ HTTP/1.1", host),
    "a target without a host": requestOf("GET http:///evil.example HTTP/1.1", host),
    "a target of another scheme": requestOf("GET ftp://evil.example/ HTTP/1.1", host),
    "a fragment in the target": requestOf("GET /a#b HTTP/1.1", host),
    "an asterisk for another method": requestOf("GET * HTTP/1.1", host),
    "lines that end in a line feed alone": `GET / HTTP/1.1\n${host}\n\n`,
    "endless bytes without a line": Buffer.alloc(100_000, 0x16),
  };

  const refused: Readonly<
    Record<string, readonly [request: string, status: string, ...also: string[]]>
  > = {
    "a target that is too long": [
      requestOf(`GET /${"a".repeat(8_000)} HTTP/1.1`, host),
      "414 URI Too Long",
    ],
    "an endless target": [`GET /${"a".repeat(100_000)}`, "414 URI Too Long"],
    "an endless head": [
      requestOf("GET / HTTP/1.1", host, `Cookie: ${"a".repeat(100_000)}`),
      "431 Request Header Fields Too Large",
    ],
    "the preface of HTTP/2": ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 HTTP Version Not Supported"],
    "a tunnel": [
      requestOf("CONNECT shop.example:443 HTTP/1.1", host),
      "405 Method Not Allowed",
      "Allow: GET, HEAD, POST, PUT, PATCH, DELETE",
    ],
  };

  describe(
    "what cannot be redirected is refused, and the connection ends:",
    { concurrency: true },
    () => {
      for (const [name, [request, status, ...also]] of Object.entries(refused)) {
        it(name, async () => {
          const { text, line } = await answer(request);
          const end = ["Content-Length: 0", "Connection: close"];
          assert.equal(text, requestOf(`HTTP/1.1 ${status}`, ...also, ...end));
          assert.equal(line["outcome"], "bad-request");
        });
      }
    },
  );

  describe(
    "a hostile request gets a plain 400 and the end of the connection:",
    { concurrency: true },
    () => {
      for (const [name, request] of Object.entries(hostile)) {
        it(name, async () => {
          const { text, line } = await answer(request);
          assert.equal(
            text,
            requestOf("HTTP/1.1 400 Bad Request", "Content-Length: 0", "Connection: close"),
          );
          assert.equal(line["outcome"], "bad-request");
        });
      }
    },
  );

  it("a request that comes too slowly is cut off at the deadline", async () => {
    const localAddress = uniqueVirtualIp();
    const client = await rawConnect({ host: shop.ip, port: shop.portOf("hasty"), localAddress });
    const outcome = client.read.outcome();
    while (!client.socket.destroyed) {
      await client.send("G").catch(() => undefined);
      await delay(50);
    }
    assert.equal(await outcome, "ECONNRESET");
    assert.equal(client.read.received, 0);
    assert.equal((await failureLineOf(shop.director, localAddress))["failure"], "deadline");
    await shop.untilMetric("tlsd_connections_refused_total", 1, { cause: "deadline" }, "hasty");
  });

  it("a client that leaves without a request counts as that, and not as a failed handshake", async () => {
    const localAddress = uniqueVirtualIp();
    const client = await rawConnect({ host: shop.ip, port: shop.portOf("moved"), localAddress });
    client.end();
    await client.read.outcome();
    assert.equal((await failureLineOf(shop.director, localAddress))["failure"], "closed");
    await shop.untilMetric("tlsd_connections_refused_total", 1, { cause: "closed" }, "moved");
    assert.equal((await shop.director.metrics()).sum("tlsd_handshakes_failed_total"), 0);
  });

  it("has no metrics of handshakes and endpoints, which it can never count", async () => {
    const listener = `front.shop:${shop.portOf("moved")}`;
    const { samples } = await shop.director.metrics();
    const own = samples.filter(({ labels }) => labels["listener"] === listener);
    const names = new Set(own.map(({ name }) => name.replace(/_(bucket|sum|count)$/, "")));
    assert.deepEqual(
      [...names],
      [
        "tlsd_connections_accepted_total",
        "tlsd_connections_open",
        "tlsd_connections_ended_total",
        "tlsd_connections_refused_total",
        "tlsd_proxy_probes_total",
        "tlsd_bytes_from_clients_total",
        "tlsd_bytes_to_clients_total",
        "tlsd_connection_seconds",
      ],
    );
  });

  it("a client that does not leave after its answer is closed all the same", async () => {
    const localAddress = uniqueVirtualIp();
    const client = await rawConnect({ host: shop.ip, port: shop.portOf("default"), localAddress });
    await client.send(requestOf("GET / HTTP/1.1", host));
    await client.read.until("\r\n\r\n");
    await connectionLineOf(shop.director, localAddress);
    await shop.untilOpenFiles(baseFiles);
  });
});
