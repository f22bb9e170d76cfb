import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { TLSSocket } from "node:tls";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { byteByByte } from "#harness/byte-by-byte.ts";
import { eventually } from "#harness/deadline.ts";
import { startEndpoint, type Behaviour, type Endpoint } from "#harness/endpoint.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent, type LogLine } from "#harness/log-capture.ts";
import {
  announcedClient,
  proxyV1Header,
  proxyV2Header,
  tlvTypes,
  type ProxyAddresses,
  type Tlv,
} from "#harness/proxy-header.ts";
import { checksummedHeader, sslTlv, textTlv } from "#harness/proxy-tlvs.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { createTestCa } from "#harness/test-ca.ts";
import type { TlsConnectOptions, TlsFacts } from "#harness/tls-client.ts";

type Name = "v2" | "v1" | "to TLS" | "fleet" | "none";

const greeting = "first\n";

/** Prints no more than 400 bytes of a header that differs. */
function assertSame(header: Buffer, expected: Buffer): void {
  const [got, wanted] = [header, expected].map((bytes) => bytes.toString("hex", 0, 400));
  assert.equal(got, wanted);
  assert.equal(header.length, expected.length);
  assert.ok(header.equals(expected));
}

/** https://docs.aws.amazon.com/vpc: subtype 1 and the id. Azure: subtype 1 and a 32-bit link id. GCP: a 64-bit id. */
const cloudTlvs: readonly Tlv[] = [
  { type: 0xea, value: Buffer.from("\u0001vpce-08d2bf15fac5001c9") },
  { type: 0xee, value: Buffer.from([1, 0x78, 0x56, 0x34, 0x12]) },
  { type: 0xe0, value: Buffer.from([0, 0, 0, 0, 0, 0, 0, 9]) },
];
const otherTlvs: readonly Tlv[] = [
  textTlv(tlvTypes.netns, "blue"),
  textTlv(0xe3, "a site's own"),
  textTlv(0xe3, "which repeats"),
  textTlv(0xf1, "an experiment"),
  { type: 0xfe, value: Buffer.alloc(0) },
];

forEachEngineIfLong("bun", (engine) => {
  const proxy = uniqueVirtualIp();
  let shop: Shop<Name>;
  let endpoint: Endpoint;
  let tlsEndpoint: Endpoint;

  before(async () => {
    const ca = await createTestCa();
    const inside = await ca.issue({ names: ["inside.example"] });
    const echo: Behaviour = (socket) => void socket.on("end", () => socket.end()).pipe(socket);
    endpoint = await startEndpoint(echo, { expectsProxyHeader: true });
    const plain = await startEndpoint(echo);
    tlsEndpoint = await startEndpoint(
      (socket, self) =>
        echo(
          new TLSSocket(socket, { isServer: true, cert: inside.chainPem, key: inside.keyPem }),
          self,
        ),
      { expectsProxyHeader: true },
    );
    const listener = {
      to: endpoint.port,
      policy: "open",
      proxyProtocol: "v2",
      acceptProxyProtocol: [proxy],
    };
    const endpointTls = { ca: "ca.pem", serverName: "inside.example" };
    shop = await startShop({
      engine,
      listeners: {
        v2: listener,
        v1: { ...listener, proxyProtocol: "v1" },
        "to TLS": { ...listener, to: tlsEndpoint.port, endpointTls },
        fleet: listener,
        none: { ...listener, proxyProtocol: "none", to: plain.port },
      },
      more: { policies: { open: { alpn: ["http/1.1"] } } },
      files: { "ca.pem": ca.certificatePem },
    });
  });

  interface Passed {
    readonly header: Buffer;
    readonly own: ProxyAddresses;
    readonly line: LogLine;
    readonly facts: TlsFacts;
  }

  /** One connection behind `header`: the header that the endpoint got, and the access line. */
  async function passed(
    name: Name,
    header: Buffer,
    options: TlsConnectOptions = {},
    to: Endpoint = endpoint,
  ): Promise<Passed> {
    const known = to.proxyHeaders.length;
    const from = shop.director.logs.length;
    const client = await shop.connect(name, { localAddress: proxy, prefix: header, ...options });
    const { facts, clientPort } = client;
    await client.send(greeting);
    assert.equal(await client.read.until("\n"), greeting);
    client.end();
    await client.read.toEnd();
    const line = await shop.director.waitForLog(
      (one) => isEvent(one, "connection") && one["listener"] === `front.shop:${shop.portOf(name)}`,
      10_000,
      from,
    );
    assert.equal(line["outcome"], "completed");
    const own = {
      clientAddress: proxy,
      clientPort,
      virtualIp: shop.ip,
      virtualPort: shop.portOf(name),
    };
    const got = to.proxyHeaders[known]?.bytes ?? Buffer.alloc(0);
    return { header: got, own, line, facts };
  }

  const ssl = ({ protocol, cipher }: TlsFacts): Tlv =>
    sslTlv({ client: 1, verify: 1, version: protocol, cipher });

  function assertHeader(
    { header, line, facts }: Passed,
    addresses: ProxyAddresses,
    { names = [], id, rest = [] }: { names?: readonly Tlv[]; id?: string; rest?: readonly Tlv[] },
  ): void {
    const own = id === undefined ? [textTlv(tlvTypes.uniqueId, String(line["id"]))] : [];
    const shown = names.length === 0 ? [textTlv(tlvTypes.authority, "shop.example")] : names;
    assertSame(header, checksummedHeader(addresses, [...shown, ...own, ssl(facts), ...rest]));
    assert.equal(line["uniqueId"], id);
    assert.equal(line["virtualIp"], shop.ip);
  }

  describe("the destination that was announced is what the endpoint is told", () => {
    const mapped = { clientPort: 4711, virtualPort: 443 };
    const pairs: Readonly<Record<string, ProxyAddresses>> = {
      IPv4: announcedClient(4),
      "IPv6, on an IPv4 virtual IP": announcedClient(6),
      "two IPv4-mapped addresses": {
        ...mapped,
        clientAddress: "::ffff:cb00:7109",
        virtualIp: "::ffff:c633:6401",
      },
      "an IPv4-mapped client of an IPv6 address": {
        ...mapped,
        clientAddress: "::ffff:cb00:710a",
        virtualIp: "2001:db8:f::1",
      },
      "a destination that the proxy does not know": {
        ...mapped,
        clientAddress: "203.0.113.11",
        virtualIp: "0.0.0.0",
      },
    };
    for (const [name, addresses] of Object.entries(pairs)) {
      for (const [version, build] of [
        ["v1", proxyV1Header],
        ["v2", proxyV2Header],
      ] as const) {
        it(`${name}, from ${version}`, async () => {
          assertHeader(await passed("v2", build(addresses)), addresses, {});
          const { header } = await passed("v1", build(addresses));
          const canonical = proxyV1Header(addresses)
            .toString()
            .replace("::ffff:cb00:7109", "::ffff:203.0.113.9")
            .replace("::ffff:cb00:710a", "::ffff:203.0.113.10")
            .replace("::ffff:c633:6401", "::ffff:198.51.100.1");
          assert.equal(header.toString("latin1"), canonical);
        });
      }
    }

    for (const [name, header] of Object.entries({
      "v2 LOCAL": proxyV2Header(),
      "v1 UNKNOWN": Buffer.from("PROXY UNKNOWN\r\n"),
    })) {
      it(`it is the socket's own where the proxy speaks for itself (${name})`, async () => {
        const result = await passed("v2", header);
        assertHeader(result, result.own, {});
      });
    }
  });

  describe("TLVs that came in go out, byte by byte", () => {
    it("all but padding, checksum and what is said of TLS; the unique id stays", async () => {
      const client = announcedClient();
      const id = textTlv(tlvTypes.uniqueId, "7f000001:c09e_front-1");
      const header = checksummedHeader(client, [
        { type: tlvTypes.noop, value: Buffer.alloc(700) },
        ...cloudTlvs,
        sslTlv({ client: 7, verify: 0, version: "TLSv1.2", commonName: "else", cipher: "none" }),
        textTlv(tlvTypes.sslCommonName, "someone else"),
        id,
        ...otherTlvs,
      ]);
      const rest = [...cloudTlvs, id, ...otherTlvs];
      assertHeader(await passed("v2", header), client, { id: "7f000001:c09e_front-1", rest });
    });

    it("the names of this TLS session replace those that were announced", async () => {
      const client = announcedClient();
      const names = [textTlv(tlvTypes.alpn, "h2"), textTlv(tlvTypes.authority, "front.example")];
      const header = proxyV2Header(client, [...names, ...cloudTlvs]);
      assertHeader(await passed("v2", header, { ALPNProtocols: ["http/1.1"] }), client, {
        names: [textTlv(tlvTypes.alpn, "http/1.1"), textTlv(tlvTypes.authority, "shop.example")],
        rest: cloudTlvs,
      });
    });

    it("the names that were announced stand where the client sent none", async () => {
      const client = announcedClient();
      const names = [textTlv(tlvTypes.alpn, "h2"), textTlv(tlvTypes.authority, "front.example")];
      const anonymous = { servername: "", rejectUnauthorized: false };
      const result = await passed("v2", proxyV2Header(client, names), anonymous);
      const { header, line, facts } = result;
      const own = [textTlv(tlvTypes.uniqueId, String(line["id"])), ssl(facts)];
      assertSame(header, checksummedHeader(client, [...own, ...names]));
    });

    it("also of a client whose addresses cannot be said (AF_UNSPEC), as another director sends them", async () => {
      const header = Buffer.concat([
        proxyV2Header(announcedClient()).subarray(0, 12),
        Buffer.from([0x21, 0x00, 0, 10]),
        Buffer.from([0xea, 0, 7]),
        Buffer.from("\u0001vpce-1"),
      ]);
      const result = await passed("v2", header);
      const rest = [{ type: 0xea, value: header.subarray(19) }];
      assertHeader(result, result.own, { rest });
    });

    it("a unique id that is too long for receivers, or empty, gives way to the director's", async () => {
      const client = announcedClient();
      for (const bytes of [0, 129]) {
        const id = { type: tlvTypes.uniqueId, value: Buffer.alloc(bytes, "x") };
        assertHeader(await passed("v2", proxyV2Header(client, [id])), client, {});
      }
    });

    it("a unique id of any bytes is passed on as it is, and is hexadecimal in the access line", async () => {
      const client = announcedClient();
      const id = { type: tlvTypes.uniqueId, value: Buffer.from("00ff0a1b5b33316d", "hex") };
      const result = await passed("v2", proxyV2Header(client, [id]));
      assertHeader(result, client, { id: "00ff0a1b5b33316d", rest: [id] });
    });

    it("none go out in version 1, nor where the endpoint is sent no header", async () => {
      const client = announcedClient();
      const header = proxyV2Header(client, [...cloudTlvs, textTlv(tlvTypes.uniqueId, "front-2")]);
      const result = await passed("v1", header);
      assert.equal(result.header.toString("latin1"), proxyV1Header(client).toString("latin1"));
      assert.equal(result.line["uniqueId"], "front-2");
      // The endpoint sends back what it gets, which is the greeting alone.
      assert.equal((await passed("none", header)).line["bytesToClient"], greeting.length);
    });

    it("the next endpoint is told the same when the first one cannot be reached", async (t) => {
      const client = announcedClient();
      await shop.setProfile(
        { servers: ["gone", "web"], balance: "round-robin" },
        {
          servers: { web: { address: "127.0.0.1" }, gone: { address: uniqueVirtualIp() } },
        },
      );
      t.after(() => shop.setProfile({}));
      for (let round = 0; round < 3; round += 1) {
        const result = await passed("fleet", proxyV2Header(client, cloudTlvs));
        assertHeader(result, client, { rest: cloudTlvs });
      }
      const listener = `front.shop:${shop.portOf("fleet")}`;
      await eventually(async () => {
        const metrics = await shop.director.metrics();
        return metrics.sum("tlsd_endpoint_connects_failed_total", { listener }) > 0;
      });
    });
  });

  describe("a header as long as its length can say, 65,551 bytes", { concurrency: false }, () => {
    const client = announcedClient();
    const filler = (bytes: number): Tlv => ({
      type: 0xe5,
      value: Buffer.alloc(bytes, "0123456789"),
    });
    const longest = (tlvs: readonly Tlv[]): Buffer => {
      const room = 65_551 - proxyV2Header(client, tlvs).length - 3;
      return proxyV2Header(client, [...tlvs, { type: tlvTypes.noop, value: Buffer.alloc(room) }]);
    };
    const big = filler(60_000);

    it("is taken in one piece", async () => {
      const header = longest([big]);
      assert.equal(header.length, 65_551);
      assertHeader(await passed("v2", header), client, { rest: [big] });
    });

    it("is taken in small pieces, with the ClientHello right behind it", async () => {
      const header = longest([big]);
      const cutHello = (hello: Buffer): Iterable<Uint8Array> => {
        const all = Buffer.concat([header, hello]);
        const pieces: Uint8Array[] = [];
        for (let at = 0; at < all.length - 400; at += 64) pieces.push(all.subarray(at, at + 64));
        const sent = pieces.reduce((sum, piece) => sum + piece.length, 0);
        return [...pieces, ...byteByByte(all.subarray(sent))];
      };
      assertHeader(await passed("v2", Buffer.alloc(0), { cutHello }), client, { rest: [big] });
    });

    it("is passed on ahead of TLS to the endpoint", async () => {
      const result = await passed("to TLS", longest([big]), {}, tlsEndpoint);
      assertHeader(result, client, { rest: [big] });
      assert.deepEqual(tlsEndpoint.errors, []);
    });

    it("loses those TLVs, whole, that do not fit beside the director's own", async () => {
      const tooBig = filler(65_551 - 28 - 3 - 50);
      const small = textTlv(0xe6, "small enough");
      const result = await passed("v2", proxyV2Header(client, [tooBig, small]));
      assertHeader(result, client, { rest: [small] });
    });

    it("may be one that says nothing: LOCAL", async () => {
      const local = longest([]);
      local[12] = 0x20;
      const result = await passed("v2", local);
      assertHeader(result, result.own, {});
    });
  });
});
