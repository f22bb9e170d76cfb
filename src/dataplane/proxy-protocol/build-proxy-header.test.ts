import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { buildProxyHeader, type ProxyFacts } from "./build-proxy-header.ts";
import { parseProxyHeader } from "./parse-proxy-header.ts";

const FACTS: ProxyFacts = {
  clientAddress: "192.0.2.1",
  clientPort: 4711,
  destinationAddress: "198.51.100.10",
  destinationPort: 8443,
  alpn: undefined,
  serverName: undefined,
  uniqueId: "",
  tls: undefined,
};
const TLS = {
  version: "TLSv1.3",
  cipherSuite: "TLS_AES_128_GCM_SHA256",
  clientCertificate: undefined,
  resumed: false,
};

/** Returns type and value of each TLV. It shares no code with the parser. */
function tlvsOf(bytes: Buffer): Map<number, Buffer> {
  const tlvs = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length; at += 3 + bytes.readUInt16BE(at + 1)) {
    assert.equal(tlvs.has(bytes.readUInt8(at)), false);
    tlvs.set(bytes.readUInt8(at), bytes.subarray(at + 3, at + 3 + bytes.readUInt16BE(at + 1)));
  }
  return tlvs;
}

function tlvsOfIpv4(facts: Partial<ProxyFacts>): Map<number, Buffer> {
  const header = buildProxyHeader("v2", { ...FACTS, ...facts });
  assert.equal(parseProxyHeader(header).kind, "announced");
  return tlvsOf(header.subarray(28));
}

function sslOf(tls: ProxyFacts["tls"]): {
  client: number;
  verify: number;
  sub: Map<number, Buffer>;
} {
  const value = tlvsOfIpv4({ tls }).get(0x20);
  assert.ok(value);
  return {
    client: value.readUInt8(0),
    verify: value.readUInt32BE(1),
    sub: tlvsOf(value.subarray(5)),
  };
}

describe("v1", () => {
  const lines = [
    ["192.0.2.1", "198.51.100.10", "PROXY TCP4 192.0.2.1 198.51.100.10 4711 8443\r\n"],
    ["2001:DB8:0::1", "2001:db8::2", "PROXY TCP6 2001:db8::1 2001:db8::2 4711 8443\r\n"],
    ["192.0.2.1", "2001:db8::2", "PROXY UNKNOWN\r\n"],
    ["2001:db8::1", "192.0.2.1", "PROXY UNKNOWN\r\n"],
    ["::ffff:192.0.2.1", "2001:db8::2", "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 4711 8443\r\n"],
    ["::ffff:192.0.2.1", "192.0.2.9", "PROXY TCP4 192.0.2.1 192.0.2.9 4711 8443\r\n"],
    ["fe80::1%eth0", "fe80::2", "PROXY TCP6 fe80::1 fe80::2 4711 8443\r\n"],
    ["", "192.0.2.9", "PROXY UNKNOWN\r\n"],
  ] as const;
  for (const [clientAddress, destinationAddress, line] of lines) {
    test(`is ${line.trim()}`, () => {
      const header = buildProxyHeader("v1", { ...FACTS, clientAddress, destinationAddress });
      assert.equal(header.toString(), line);
    });
  }

  test("an invalid port makes the header UNKNOWN", () => {
    for (const clientPort of [-1, 65_536, 1.5, Number.NaN]) {
      const line = buildProxyHeader("v1", { ...FACTS, clientPort }).toString();
      assert.equal(line, "PROXY UNKNOWN\r\n");
    }
  });
});

describe("v2", () => {
  test("has the fixed part and the addresses of the specification", () => {
    const header = buildProxyHeader("v2", FACTS).toString("hex");
    assert.equal(header.slice(0, 24), "0d0a0d0a000d0a515549540a");
    assert.equal(header.slice(24, 56), "21110013c0000201c633640a126720fb");
    assert.equal(header.slice(56, 62), "030004");
    assert.equal(header.length, 2 * 35);
  });

  test("an invalid address makes the header AF_UNSPEC, which a receiver treats as local", () => {
    const header = buildProxyHeader("v2", { ...FACTS, destinationAddress: "nowhere" });
    assert.equal(header.readUInt16BE(12), 0x2100);
    assert.equal(parseProxyHeader(header).kind, "local");
  });

  test("addresses of two families make the header AF_UNSPEC, so that it contains no false address", () => {
    const header = buildProxyHeader("v2", { ...FACTS, destinationAddress: "2001:db8::1" });
    assert.equal(header.readUInt16BE(12), 0x2100);
  });

  test("carries ALPN, authority and unique id", () => {
    const tlvs = tlvsOfIpv4({ alpn: "h2", serverName: "www.shop.example", uniqueId: "a-1" });
    assert.deepEqual([...tlvs.keys()], [1, 2, 5, 3]);
    assert.equal(tlvs.get(1)?.toString(), "h2");
    assert.equal(tlvs.get(2)?.toString(), "www.shop.example");
    assert.equal(tlvs.get(5)?.toString(), "a-1");
  });

  test("leaves out names that are too long or have control characters", () => {
    assert.equal(tlvsOfIpv4({ uniqueId: "x".repeat(128) }).get(5)?.length, 128);
    assert.equal(tlvsOfIpv4({ uniqueId: "x".repeat(129) }).has(5), false);
    for (const commonName of [
      "a\0b",
      "a\nb",
      "a\u007fb",
      "a\u0085b",
      "\ud800",
      "ü".repeat(128),
      "",
    ]) {
      const { client, verify, sub } = sslOf({
        ...TLS,
        clientCertificate: { commonName, verified: true },
      });
      assert.deepEqual([client, verify, sub.has(0x22)], [7, 0, false]);
    }
    assert.equal(tlvsOfIpv4({ serverName: "a".repeat(256) }).has(2), false);
  });

  test("says that the client sent no certificate", () => {
    const { client, verify, sub } = sslOf(TLS);
    assert.deepEqual([client, verify === 0, sub.size], [1, false, 2]);
    assert.equal(sub.get(0x21)?.toString(), "TLSv1.3");
    assert.equal(sub.get(0x23)?.toString(), "TLS_AES_128_GCM_SHA256");
  });

  test("contains the client's common name, and whether it was verified", () => {
    const verified = sslOf({ ...TLS, clientCertificate: { commonName: "Jörg", verified: true } });
    assert.deepEqual([verified.client, verified.verify], [7, 0]);
    assert.equal(verified.sub.get(0x22)?.toString(), "Jörg");
    const doubtful = sslOf({ ...TLS, clientCertificate: { commonName: "x", verified: false } });
    assert.deepEqual([doubtful.client, doubtful.verify === 0], [7, false]);
  });

  test("a resumed session's certificate belongs to the session only", () => {
    const clientCertificate = { commonName: "x", verified: true };
    assert.equal(sslOf({ ...TLS, clientCertificate, resumed: true }).client, 5);
    assert.equal(sslOf({ ...TLS, resumed: true }).client, 1);
  });

  test("the longest names fit into the header", () => {
    const long = "n".repeat(255);
    const clientCertificate = { commonName: long, verified: true };
    const header = buildProxyHeader("v2", {
      ...FACTS,
      clientAddress: "2001:db8::1",
      destinationAddress: "2001:db8::2",
      alpn: long,
      serverName: long,
      uniqueId: "u".repeat(128),
      tls: { version: long, cipherSuite: long, clientCertificate, resumed: false },
    });
    const result = parseProxyHeader(header);
    assert.ok(result.kind === "announced");
    assert.equal(result.headerBytes, header.length);
  });

  test("headers are independent of each other", () => {
    const first = buildProxyHeader("v2", { ...FACTS, serverName: "a.example" });
    const copy = Buffer.from(first);
    buildProxyHeader("v2", { ...FACTS, clientAddress: "203.0.113.9", serverName: "b.example" });
    assert.deepEqual(first, copy);
  });
});

describe("TLVs that are passed on", () => {
  const tlv = (type: number, value: string | Buffer): Buffer => {
    const bytes = Buffer.from(value);
    return Buffer.concat([Buffer.from([type, bytes.length >> 8, bytes.length & 255]), bytes]);
  };

  test("follow the director's own TLVs, before the checksum", () => {
    const passedTlvs = Buffer.concat([tlv(0xea, "vpce-1"), tlv(0x30, "blue")]);
    const tlvs = tlvsOfIpv4({ uniqueId: "a-1", alpn: "h2", passedTlvs });
    assert.deepEqual([...tlvs.keys()], [0x01, 0x05, 0xea, 0x30, 0x03]);
    assert.deepEqual([tlvs.get(0xea)?.toString(), tlvs.get(0x30)?.toString()], ["vpce-1", "blue"]);
  });

  test("are replaced by the director's own names, except for the unique id", () => {
    const passedTlvs = Buffer.concat([tlv(1, "h2"), tlv(2, "their.example"), tlv(5, "theirs")]);
    const facts = { alpn: "http/1.1", serverName: "our.example", uniqueId: "ours", passedTlvs };
    const tlvs = tlvsOfIpv4(facts);
    assert.deepEqual([...tlvs.keys()], [1, 2, 5, 3]);
    assert.deepEqual(
      [1, 2, 5].map((type) => tlvs.get(type)?.toString()),
      ["http/1.1", "our.example", "theirs"],
    );
    const without = tlvsOfIpv4({ uniqueId: "ours", passedTlvs });
    assert.deepEqual([...without.values()].slice(0, 3).map(String), [
      "h2",
      "their.example",
      "theirs",
    ]);
  });

  test("may repeat", () => {
    const passedTlvs = Buffer.concat([tlv(0xe1, "a"), tlv(0xe1, "b")]);
    const header = buildProxyHeader("v2", { ...FACTS, passedTlvs });
    assert.equal(header.subarray(28, -7).toString("hex"), "e1000161e1000162");
  });

  test("are complete or left out if the header would exceed its maximum length", () => {
    const own = buildProxyHeader("v2", { ...FACTS, uniqueId: "a-1" }).length;
    const room = 16 + 65_535 - own - 3;
    for (const [bytes, types] of [
      [room, [0xe0]],
      [room + 1, [0xe1]],
      [room - 5, [0xe0]],
    ] as const) {
      const passedTlvs = Buffer.concat([tlv(0xe0, Buffer.alloc(bytes)), tlv(0xe1, "some")]);
      const tlvs = tlvsOfIpv4({ uniqueId: "a-1", passedTlvs });
      assert.deepEqual([...tlvs.keys()], [0x05, ...types, 0x03]);
    }
  });
});
