import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { buildProxyHeader, type ProxyFacts } from "./build-proxy-header.ts";
import { parseProxyHeader } from "./parse-proxy-header.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const v2 = (rest: string): Buffer => hex(SIGNATURE + rest);
const kindOf = (bytes: Buffer): string => parseProxyHeader(bytes).kind;
const NO_TLVS = Buffer.alloc(0);
const v1 = (line: string): Buffer => Buffer.from(line, "latin1");

const FACTS: ProxyFacts = {
  clientAddress: "192.0.2.1",
  clientPort: 4711,
  destinationAddress: "198.51.100.10",
  destinationPort: 8443,
  alpn: "h2",
  serverName: "www.shop.example",
  uniqueId: "0123456789abcdef",
  tls: {
    version: "TLSv1.3",
    cipherSuite: "TLS_AES_128_GCM_SHA256",
    clientCertificate: { commonName: "client one", verified: true },
    resumed: false,
  },
};

const IPV6_FACTS: ProxyFacts = {
  ...FACTS,
  clientAddress: "2001:db8::1",
  destinationAddress: "2001:db8::2",
};

/** The TLVs of the names in FACTS. */
const NAMES = Buffer.concat([
  hex("0100026832"),
  hex("020010"),
  Buffer.from("www.shop.example"),
  hex("050010"),
  Buffer.from("0123456789abcdef"),
]);

/**
 * Headers that HAProxy 2.6 sent with send-proxy-v2-ssl-cn and crc32c, authority, unique-id, cert-key, cert-sig,
 * ssl-cipher.
 */
const HAPROXY_TLS = v2(
  "211100927f0000017f000001c09e46ab03000496674f7a01000268320200107777772e73686f702e6578616d706c65" +
    "050010303030303030303046333539383142392000510700000000210007544c5376312e3322000a636c69656e742d" +
    "6f6e65250005454332353624001165636473612d776974682d534841323536230016544c535f4145535f3235365f47" +
    "434d5f534841333834",
);
const HAPROXY_IPV6 = v2(
  "212100360000000000000000000000000000000100000000000000000000000000000001e11a46ae03000418b7b2d9" +
    "050000200005000000000 0",
);
const HAPROXY_CHECK = v2("2000000f030004889da1df2000050000000000");

describe("headers of HAProxy are parsed", () => {
  test("TLS with a client certificate", () => {
    assert.deepEqual(parseProxyHeader(HAPROXY_TLS), {
      kind: "announced",
      client: {
        address: "127.0.0.1",
        port: 49_310,
        destinationAddress: "127.0.0.1",
        destinationPort: 18_091,
      },
      // ALPN, authority and unique id are passed on. The checksum and HAProxy's facts about TLS are not.
      tlvs: hex(
        "01000268320200107777772e73686f702e6578616d706c65" +
          "05001030303030303030304633353938314239",
      ),
      headerBytes: HAPROXY_TLS.length,
    });
  });

  test("IPv6 and an empty unique id", () => {
    const result = parseProxyHeader(HAPROXY_IPV6);
    assert.ok(result.kind === "announced");
    assert.deepEqual([result.client.address, result.client.port], ["::1", 57_626]);
    assert.equal(result.tlvs.length, 0);
  });

  test("a health check is local", () => {
    assert.deepEqual(parseProxyHeader(HAPROXY_CHECK), {
      kind: "local",
      tlvs: NO_TLVS,
      headerBytes: 31,
    });
  });
});

describe("every truncation is incomplete, and bytes after the header are not read", () => {
  const headers: Readonly<Record<string, Buffer>> = {
    v1: buildProxyHeader("v1", FACTS),
    "v1 IPv6": buildProxyHeader("v1", IPV6_FACTS),
    "v1 UNKNOWN": v1("PROXY UNKNOWN ffff::1 ffff::2 1 ~\r\n"),
    v2: buildProxyHeader("v2", FACTS),
    "v2 IPv6": buildProxyHeader("v2", IPV6_FACTS),
    "v2 of HAProxy": HAPROXY_TLS,
    "v2 LOCAL": HAPROXY_CHECK,
  };
  for (const [name, header] of Object.entries(headers)) {
    test(name, () => {
      for (let length = 0; length < header.length; length += 1) {
        assert.equal(kindOf(header.subarray(0, length)), "incomplete", String(length));
      }
      const whole = parseProxyHeader(header);
      assert.ok(whole.kind === "announced" || whole.kind === "local");
      assert.equal(whole.headerBytes, header.length);
      for (const next of ["16030100", "0a", "0d0a", "50524f5859"]) {
        assert.deepEqual(parseProxyHeader(Buffer.concat([header, hex(next)])), whole);
      }
    });
  }
});

test("built headers are parsed, in both versions and all families", () => {
  const pairs = [
    ["192.0.2.1", "198.51.100.1", "192.0.2.1", "198.51.100.1"],
    ["2001:db8::1", "2001:db8::2", "2001:db8::1", "2001:db8::2"],
    ["::ffff:192.0.2.1", "2001:db8::2", "::ffff:192.0.2.1", "2001:db8::2"],
  ] as const;
  for (const version of ["v1", "v2"] as const) {
    for (const [clientAddress, ownAddress, address, destinationAddress] of pairs) {
      for (const port of [0, 1, 65_535]) {
        const facts = { ...FACTS, clientAddress, destinationAddress: ownAddress, clientPort: port };
        const header = buildProxyHeader(version, facts);
        assert.deepEqual(parseProxyHeader(header), {
          kind: "announced",
          client: { address, port, destinationAddress, destinationPort: 8443 },
          tlvs: version === "v1" ? NO_TLVS : NAMES,
          headerBytes: header.length,
        });
      }
    }
  }
});

describe("v1 is strict", () => {
  test("IPv6 addresses are returned in canonical form", () => {
    const line = v1("PROXY TCP6 2001:DB8:0:0::1 ::FFFF:192.0.2.1 1 2\r\n");
    const result = parseProxyHeader(line);
    assert.ok(result.kind === "announced");
    assert.equal(result.client.address, "2001:db8::1");
    assert.equal(result.client.destinationAddress, "::ffff:192.0.2.1");
  });

  test("a line of 107 bytes is accepted, one of 108 is not", () => {
    const longest = v1(`PROXY UNKNOWN ${"x".repeat(91)}\r\n`);
    const tooLong = v1(`PROXY UNKNOWN ${"x".repeat(92)}\r\n`);
    assert.equal(kindOf(longest), "local");
    assert.equal(kindOf(longest.subarray(0, 106)), "incomplete");
    assert.equal(kindOf(tooLong), "malformed");
    assert.equal(kindOf(tooLong.subarray(0, 107)), "malformed");
  });

  const wrong = [
    "P ",
    "GET / HTTP/1.1\r\n",
    "PROXY\r\n",
    "PROXY \r\n",
    "PROXY UNKNOWNX\r\n",
    "PROXY unknown\r\n",
    "PROXY TCP4 1.2.3.4 1.2.3.5 1 2\n",
    "PROXY TCP4 1.2.3.4 1.2.3.5 1 2\r ",
    "PROXY TCP4 1.2.3.4 1.2.3.5 1 2 \r\n",
    "PROXY TCP4 1.2.3.4 1.2.3.5 1 2 3\r\n",
    "PROXY TCP4 1.2.3.4 1.2.3.5 1\r\n",
    "PROXY  TCP4 1.2.3.4 1.2.3.5 1 2\r\n",
    "PROXY TCP4\t1.2.3.4 1.2.3.5 1 2\r\n",
    "PROXY TCP4 1.2.3.4 1.2.3.5 01 2\r\n",
    "PROXY TCP4 1.2.3.4 1.2.3.5 -1 2\r\n",
    "PROXY TCP4 1.2.3.4 1.2.3.5 65536 2\r\n",
    "PROXY TCP4 1.2.3.4 1.2.3.5 1 99999\r\n",
    "PROXY TCP4 1.2.3.4 1.2.3.5 1 0x1\r\n",
    "PROXY TCP4 01.2.3.4 1.2.3.5 1 2\r\n",
    "PROXY TCP4 1.2.3 1.2.3.5 1 2\r\n",
    "PROXY TCP4 ::1 ::1 1 2\r\n",
    "PROXY TCP6 1.2.3.4 ::1 1 2\r\n",
    "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
    "PROXY UDP4 1.2.3.4 1.2.3.5 1 2\r\n",
    "PROXY UNKNOWN \0\r\n",
    "PROXY UNKNOWN \xff\r\n",
  ];
  for (const line of wrong) {
    test(`${JSON.stringify(line)} is malformed`, () => assert.equal(kindOf(v1(line)), "malformed"));
  }
});

describe("v2 is strict", () => {
  const addresses = "7f0000017f000001c09e46ab";
  const wrong: Readonly<Record<string, Buffer>> = {
    "TLS instead": hex("1603010200"),
    "a signature that breaks off": hex("0d0a0d0a000d0a515549540b"),
    "version 1": v2("11110000"),
    "version 3": v2("31"),
    "an unknown command": v2("22110000"),
    DGRAM: v2(`2112000c${addresses}`),
    "DGRAM of no family": v2("21020000"),
    "an unknown transport": v2(`2113000c${addresses}`),
    "no transport": v2(`2110000c${addresses}`),
    "an unknown family": v2("21410000"),
    "too short for IPv4": v2(`2111000b${addresses}`.slice(0, -2)),
    "too short for IPv6": v2(`2121000c${addresses}`),
    "too short for AF_UNIX": v2(`213100d7${"00".repeat(215)}`),
    "half a TLV header": v2(`2111000e${addresses}0400`),
    "a TLV beyond the header": v2(`21110010${addresses}04000200`),
    "a checksum of three bytes": v2(`21110012${addresses}030003000000`),
    "a wrong checksum": v2(`21110013${addresses}03000400000000`),
    "an SSL TLV without its fixed part": v2(`21110013${addresses}20000401000000`),
    "an SSL TLV with half a sub-TLV": v2(`21110015${addresses}2000060100000000 21`),
    "a sub-TLV beyond the SSL TLV": v2(`2111001b${addresses}200008 0100000000 210001 040001 00`),
    "a TLV beyond AF_UNIX": v2(`213100d9${"00".repeat(216)}04`),
  };
  for (const [name, header] of Object.entries(wrong)) {
    test(`${name} is malformed`, () => assert.equal(kindOf(header), "malformed"));
  }

  const local: Readonly<Record<string, Buffer>> = {
    AF_UNSPEC: v2("21000003aabbcc"),
    "AF_UNSPEC over STREAM": v2("21010000"),
    AF_UNIX: v2(`213100d8${"00".repeat(216)}`),
    "LOCAL of any family": v2(`2012000c${addresses}`),
    "LOCAL with a block that is no TLV": v2("20ff0001ff"),
  };
  for (const [name, header] of Object.entries(local)) {
    test(`${name} is local`, () => {
      assert.deepEqual(parseProxyHeader(header), {
        kind: "local",
        tlvs: NO_TLVS,
        headerBytes: header.length,
      });
    });
  }

  test("the maximum length is accepted: 65,535 bytes after the fixed part", () => {
    const header = Buffer.alloc(16 + 65_535);
    v2(`2111ffff${addresses}e0fff0`).copy(header);
    assert.equal(kindOf(header.subarray(0, -1)), "incomplete");
    const result = parseProxyHeader(header);
    assert.ok(result.kind === "announced");
    assert.deepEqual([result.headerBytes, result.tlvs.length], [65_551, 65_523]);
  });

  test("an empty TLV at the end is accepted", () => {
    assert.equal(kindOf(v2(`2111000f${addresses}040000`)), "announced");
    assert.equal(kindOf(v2(`21110017${addresses}200008 0100000000 210000`)), "announced");
  });

  test("a second checksum is malformed", () => {
    const once = buildProxyHeader("v2", FACTS);
    const twice = Buffer.concat([once, once.subarray(-7)]);
    twice.writeUInt16BE(twice.length - 16, 14);
    assert.equal(kindOf(twice), "malformed");
  });
});

describe("TLVs that are passed on to an endpoint", () => {
  const addresses = "7f0000017f000001c09e46ab";
  const tlvsOf = (...tlvs: string[]): string => {
    const body = hex(addresses + tlvs.join(""));
    const head = v2("21110000");
    head.writeUInt16BE(body.length, 14);
    const result = parseProxyHeader(Buffer.concat([head, body]));
    assert.ok(result.kind === "announced");
    return result.tlvs.toString("hex");
  };
  const awsEndpoint = "ea000b017670 63652d303031 3233".replaceAll(" ", "");

  test("are kept byte by byte and in order: AWS, Azure, GCP, namespaces, custom and unknown types", () => {
    const kept = [awsEndpoint, "ee00050100000007", "e00008000000000000000a", "30000161"];
    kept.push("f0000162", "e1000163", "e1000163", "fe0000", "07000164");
    assert.equal(tlvsOf(...kept), kept.join(""));
  });

  test("do not include padding or facts about TLS, inside or outside the SSL TLV", () => {
    const others = ["0400020000", "2000050100000000", "22000178", "2f000178", "30000162"];
    assert.equal(tlvsOf(...others), "30000162");
  });

  test("include a name only if receivers accept its length", () => {
    for (const [type, longest] of [
      ["01", 255],
      ["02", 255],
      ["05", 128],
    ] as const) {
      const name = (bytes: number): string =>
        `${type}${bytes.toString(16).padStart(4, "0")}${"61".repeat(bytes)}`;
      assert.equal(tlvsOf(name(longest)), name(longest));
      assert.equal(tlvsOf(name(longest + 1), name(0)), "");
    }
  });

  test("include the first of two names, which is the one that HAProxy 3 reads", () => {
    const twice = ["02000161", "02000162", "05000163", "01000164", "05000165", "01000166"];
    assert.equal(tlvsOf(...twice), "020001610500016301000164");
  });

  test("are accepted with AF_UNIX, and with AF_UNSPEC if there is no other data", () => {
    const unix = v2(`213100dc${"00".repeat(216)}02000161`);
    const unspecified = v2("2100000402000161");
    for (const header of [unix, unspecified]) {
      const result = parseProxyHeader(header);
      assert.ok(result.kind === "local");
      assert.equal(result.tlvs.toString("hex"), "02000161");
    }
  });

  test("are a copy, because the header can be much longer", () => {
    const header = Buffer.alloc(16 + 60_000);
    v2(`2111ea60${addresses}e0000161 04ea4d`.replaceAll(" ", "")).copy(header);
    header.writeUInt16BE(60_000 - 12 - 4 - 3, 16 + 12 + 4 + 1);
    const result = parseProxyHeader(header);
    assert.ok(result.kind === "announced");
    assert.equal(result.tlvs.toString("hex"), "e0000161");
    assert.notEqual(result.tlvs.buffer, header.buffer);
  });

  test("are parsed in linear time: 21,000 empty TLVs, also if they arrive byte by byte", () => {
    const header = Buffer.concat([v2(`2111ffff${addresses}`), Buffer.alloc(65_523)]);
    for (let at = 28; at < header.length; at += 3) header[at] = 0xe0;
    const startedMs = performance.now();
    assert.equal(kindOf(header), "announced");
    for (let length = 1; length < header.length; length += 1)
      parseProxyHeader(header.subarray(0, length));
    // This takes about 30 ms. A parser that starts again at each length would need minutes.
    assert.ok(performance.now() - startedMs < 5_000);
  });
});
