import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { before, describe, it } from "node:test";
import { startEndpoint } from "#harness/endpoint.ts";
import { forEachEngine } from "#harness/engines.ts";
import { startEchoHttpEndpoint, valuesOf, type EchoView } from "#harness/http-echo.ts";
import { proxyV1Header } from "#harness/proxy-header.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { createTestCa, type IssuedCertificate } from "#harness/test-ca.ts";
import type { TlsConnectOptions } from "#harness/tls-client.ts";

/** So many names make a certificate longer than endpoints get it. */
const manyNames = 300;
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** What a client may claim, and what an endpoint then gets of it from an untrusted and from a trusted client. */
const CLAIMS: readonly (readonly [line: string, trusted: string | undefined])[] = [
  ["x-forwarded-for: 192.0.2.7", "192.0.2.7, 127.0.0.1"],
  ["X_Forwarded_Proto: http", "http"],
  ["x-forwarded-host: other.example", "other.example"],
  ["x-forwarded-port: 80", "80"],
  ["x-forwarded-user: root", "root"],
  ["x-forwardedanything: root", "root"],
  ["x-real-ip: 192.0.2.7", "192.0.2.7"],
  ["x-request-id: of-the-client", "of-the-client"],
  ["forwarded: for=192.0.2.7", "for=192.0.2.7"],
  ["client-cert: :AAAA:", undefined],
  ["client_cert_chain: :AAAA:", undefined],
  ["client-cert-sha-256: :AAAA:", undefined],
  ["x-tls-version: none", undefined],
  ["x-tls-anything: none", undefined],
  ["X_JA4: none", undefined],
];

type Listener = "plain" | "trusting" | "other" | "proxied" | "odd";

forEachEngine((engine) => {
  describe("the fields of a message", { concurrency: false }, () => {
    let shop: Shop<Listener>;
    let verified: IssuedCertificate;
    let long: IssuedCertificate;
    let unverified: IssuedCertificate;

    before(async () => {
      const echo = await startEchoHttpEndpoint();
      const interim = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nx-removed: 1\r\n\r\n";
      const fields = "x-removed: 1\r\nx-set: theirs\r\nx-hop: 1\r\nconnection: x-hop, x-set";
      const odd = await startEndpoint((peer) => {
        peer.on("data", (bytes: Buffer) => {
          const status = bytes.toString("latin1").split(" ", 2)[1]?.slice(1);
          peer.write(`${interim}HTTP/1.1 ${status} Odd\r\n${fields}\r\ncontent-length: 0\r\n\r\n`);
        });
      });
      const [clients, strangers] = await Promise.all([createTestCa("clients"), createTestCa()]);
      const ofClient = { names: ["client.example"], usage: "client" } as const;
      verified = await clients.issue(ofClient);
      const names = Array.from({ length: manyNames }, (_, at) => `client-${at}.partners.example`);
      long = await clients.issue({ ...ofClient, names });
      unverified = await strangers.issue(ofClient);
      const mode = "http";
      const clientFacts = ["tls", "ja4", "certificate"];
      shop = await startShop<Listener>({
        engine,
        listeners: {
          plain: { mode, to: echo.port, policy: "clients", clientFacts },
          trusting: { mode, to: echo.port, trustedProxies: ["127.0.0.0/8"] },
          other: {
            ...{ mode, to: echo.port, host: "backend.example:81", traceparent: "make" },
            ...{ forwarded: "none", requestId: false },
          },
          proxied: {
            ...{ mode, to: echo.port, acceptProxyProtocol: ["127.0.0.0/8"] },
            ...{ forwarded: "forwarded", trustedProxies: ["203.0.113.0/24"] },
          },
          odd: {
            ...{ mode, to: odd.port, hsts: { includeSubDomains: true } },
            responseFields: { set: { "X-Set": "ours" }, remove: ["X-Removed"] },
          },
        },
        more: {
          policies: { clients: { clientAuth: { mode: "request", ca: "clients.pem" } } },
        },
        files: { "clients.pem": clients.certificatePem },
      });
    });

    /** Sends a request with these lines, and returns what the endpoint has got. */
    async function viewOf(
      listener: Listener,
      lines: readonly string[] = [],
      line = "GET /a?b HTTP/1.1",
      options: TlsConnectOptions = {},
    ): Promise<EchoView> {
      await using client = await shop.connect(listener, options);
      const host = line.endsWith("1.1") ? ["host: shop.example"] : [];
      await client.send(`${[line, ...host, ...lines].join("\r\n")}\r\n\r\n`);
      const head = await client.read.until("\r\n\r\n");
      assert.match(head, /^HTTP\/1\.1 200 /);
      const body = await client.read.bytes(Number(/^content-length: (\d+)/im.exec(head)?.[1]));
      return JSON.parse(body.toString()) as EchoView;
    }
    const nameOf = (line: string): string =>
      line.slice(0, line.indexOf(":")).toLowerCase().replaceAll("_", "-");
    const valueOf = (line: string): string => line.slice(line.indexOf(":") + 2);
    /** Returns the values of all fields with this name, where `_` in a name counts as `-`. */
    const seenAs = ({ rawHeaders, ...view }: EchoView, name: string): readonly string[] => {
      const known = rawHeaders.map((text, at) => (at % 2 === 0 ? text.replaceAll("_", "-") : text));
      return valuesOf({ ...view, rawHeaders: known }, name);
    };

    for (const [line, trusted] of CLAIMS) {
      it(`${line} is not believed of an untrusted client, nor if Connection names it`, async () => {
        const plain = await viewOf("plain", [line]);
        const other = await viewOf("other", [line, `connection: ${nameOf(line)}`]);
        for (const view of [plain, other]) {
          assert.ok(!seenAs(view, nameOf(line)).includes(valueOf(line)), view.rawHeaders.join());
        }
        assert.deepEqual(seenAs(other, nameOf(line)), []);
        const believed = seenAs(await viewOf("trusting", [line]), nameOf(line));
        assert.deepEqual(believed, trusted === undefined ? [] : [trusted]);
      });
    }

    it("are removed from the trailers of a request if they claim something", async () => {
      const claims = CLAIMS.map(([line]) => `${line}\r\n`).join("");
      const lines = ["transfer-encoding: chunked", "", `0\r\n${claims}x-kept: 1`];
      const { rawTrailers } = await viewOf("plain", lines, "POST / HTTP/1.1");
      assert.deepEqual(rawTrailers, ["x-kept", "1"]);
    });

    it("say what was negotiated by TLS", async () => {
      for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
        const view = await viewOf("plain", [], undefined, { maxVersion: version });
        assert.deepEqual(valuesOf(view, "x-tls-version"), [version]);
        assert.equal(valuesOf(view, "x-tls-cipher-suite").length, 1);
        assert.deepEqual(valuesOf(view, "x-tls-resumed"), ["false"]);
        assert.deepEqual(valuesOf(view, "x-tls-server-name"), ["shop.example"]);
        assert.match(valuesOf(view, "x-ja4")[0] ?? "", /^t1[23]d\d{4}/);
        assert.deepEqual(valuesOf(view, "client-cert"), []);
      }
    });

    it("have the client certificate if it was verified, or its SHA-256 if it is long", async () => {
      const viewWith = ({ chainPem: cert, keyPem: key }: IssuedCertificate): Promise<EchoView> =>
        viewOf("plain", [], undefined, { cert, key });
      const { raw } = new X509Certificate(verified.certificatePem);
      const view = await viewWith(verified);
      assert.deepEqual(valuesOf(view, "client-cert"), [`:${raw.toString("base64")}:`]);
      const digest = createHash("sha256")
        .update(new X509Certificate(long.certificatePem).raw)
        .digest("base64");
      const longView = await viewWith(long);
      assert.deepEqual(valuesOf(longView, "client-cert"), []);
      assert.deepEqual(valuesOf(longView, "client-cert-sha-256"), [`:${digest}:`]);
      const stranger = await viewWith(unverified).catch(() => undefined);
      assert.ok(stranger === undefined || valuesOf(stranger, "client-cert").length === 0);
    });

    it("have the trace context if it is well-formed, or a new one if that is set", async () => {
      const bad = traceparent.replace("00-", "ff-");
      const known = [`traceparent: ${traceparent}`, "tracestate: a=1"];
      const kept = await viewOf("plain", known);
      assert.deepEqual(valuesOf(kept, "traceparent"), [traceparent]);
      assert.deepEqual(valuesOf(kept, "tracestate"), ["a=1"]);
      const removed = await viewOf("plain", [`traceparent: ${bad}`, "tracestate: a=1"]);
      assert.deepEqual(valuesOf(removed, "traceparent"), []);
      assert.deepEqual(valuesOf(removed, "tracestate"), []);
      const made = await viewOf("other", [`traceparent: ${bad}`]);
      assert.match(valuesOf(made, "traceparent").join(), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      assert.deepEqual(valuesOf(await viewOf("other", known), "traceparent"), [traceparent]);
    });

    it("have the Host that is set, and no fields that are switched off", async () => {
      const view = await viewOf("other", ["x-kept: 1"]);
      const names = view.rawHeaders.filter((_text, at) => at % 2 === 0);
      assert.deepEqual(names, ["host", "x-kept", "traceparent"]);
      assert.deepEqual(valuesOf(view, "host"), ["backend.example:81"]);
    });

    it("have the server name as Host if HTTP/1.0 has none, or the virtual IP", async () => {
      const line = "GET / HTTP/1.0";
      assert.deepEqual(valuesOf(await viewOf("plain", [], line), "host"), ["shop.example"]);
      const options = { servername: "", rejectUnauthorized: false };
      const nameless = await viewOf("plain", [], line, options);
      assert.deepEqual(valuesOf(nameless, "host"), [shop.ip]);
    });

    it("have the authority of an absolute target, and the path is never empty", async () => {
      for (const [target, url] of [
        ["GET https://other.example/x?y", "/x?y"],
        ["GET https://other.example", "/"],
        ["GET https://other.example?y", "/?y"],
        ["OPTIONS https://other.example", "*"],
        ["OPTIONS *", "*"],
      ] as const) {
        const view = await viewOf("plain", [], `${target} HTTP/1.1`);
        assert.equal(view.url, url);
        const host = target.includes("other") ? "other.example" : "shop.example";
        assert.deepEqual(valuesOf(view, "host"), [host]);
      }
    });

    it("are those of the client that a PROXY header announces, which may be the trusted one", async () => {
      const announced = async (clientAddress: string): Promise<EchoView> => {
        const addresses = { clientPort: 4711, virtualPort: 443 };
        const virtualIp = clientAddress.includes(":") ? "2001:db8::2" : "192.0.2.2";
        const prefix = proxyV1Header({ ...addresses, clientAddress, virtualIp });
        return viewOf("proxied", ["forwarded: for=198.51.100.1"], undefined, { prefix });
      };
      const element = (node: string): string => `for=${node};host="shop.example";proto=https`;
      assert.deepEqual(valuesOf(await announced("203.0.113.9"), "forwarded"), [
        `for=198.51.100.1, ${element("203.0.113.9")}`,
      ]);
      assert.deepEqual(valuesOf(await announced("192.0.2.9"), "forwarded"), [element("192.0.2.9")]);
      assert.deepEqual(valuesOf(await announced("2001:db8::9"), "forwarded"), [
        element('"[2001:db8::9]"'),
      ]);
    });

    it("of an answer are edited, and those of an interim answer are only cleaned", async () => {
      await using client = await shop.connect("odd");
      await client.send("GET /200 HTTP/1.1\r\nhost: a\r\n\r\n");
      assert.equal(
        await client.read.until("\r\n\r\n"),
        "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n",
      );
      const [, ...lines] = (await client.read.until("\r\n\r\n")).trimEnd().split("\r\n");
      assert.deepEqual(
        lines.map((line) => line.replace(/^date: .*/, "date")),
        [
          ...["content-length: 0", "date"],
          ...["strict-transport-security: max-age=31536000; includeSubDomains", "X-Set: ours"],
        ],
      );
    });

    it("with a status above 599 are passed on, and the answer counts as one of 5xx", async () => {
      await using client = await shop.connect("odd");
      await client.send("GET /999 HTTP/1.1\r\nhost: a\r\n\r\n");
      await client.read.until("\r\n\r\n");
      assert.match(await client.read.until("\r\n\r\n"), /^HTTP\/1\.1 999 Odd\r\n/);
      await shop.untilMetric("tlsd_http_requests_total", 1, { class: "5xx" }, "odd");
    });
  });
});
