import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  alpn,
  BROWSER_MESSAGE,
  extension,
  helloOf,
  long,
  messageOf,
  recordsOf,
  serverName,
  signatures,
  u16,
  versions,
} from "./client-hello-bytes.ts";
import { type ClientHello, MAX_HELLO_BYTES, parseClientHello } from "./client-hello.ts";

const kindOf = (bytes: Buffer): string => parseClientHello(bytes).kind;

function read(bytes: Buffer): ClientHello {
  const result = parseClientHello(bytes);
  assert.ok(result.kind === "hello", result.kind);
  return result.hello;
}

const BROWSER_HELLO: ClientHello = {
  serverName: "www.shop.example",
  otherName: undefined,
  alpn: ["h2", "http/1.1"],
  legacyVersion: 0x0303,
  versions: [0x0304, 0x0303],
  cipherSuites: [0x1301, 0x1302, 0xc02b],
  groups: [0x11ec, 0x001d, 0x0017],
  signatureSchemes: [0x0403, 0x0804],
  certificateSchemes: [0x0403, 0x0804],
  hasSessionTicket: false,
  extensionTypes: [0, 23, 10, 16, 35, 13, 43, 51, 65_037, 21],
};

describe("a hello is parsed", () => {
  test("with all extensions that a browser sends", () => {
    assert.deepEqual(read(recordsOf(BROWSER_MESSAGE)), BROWSER_HELLO);
  });

  test("in records of any size, their headers included", () => {
    for (const recordBytes of [1, 2, 3, 4, 5, 100, 511, BROWSER_MESSAGE.length - 1]) {
      assert.deepEqual(
        read(recordsOf(BROWSER_MESSAGE, recordBytes)),
        BROWSER_HELLO,
        String(recordBytes),
      );
    }
  });

  test("byte by byte, and with any bytes after it", () => {
    for (const recordBytes of [16_384, 300, 3]) {
      const bytes = recordsOf(BROWSER_MESSAGE, recordBytes);
      for (let length = 0; length < bytes.length; length += 1) {
        assert.equal(kindOf(bytes.subarray(0, length)), "incomplete", String(length));
      }
      assert.deepEqual(read(Buffer.concat([bytes, Buffer.alloc(50_000, 0xff)])), BROWSER_HELLO);
    }
  });

  test("without extensions", () => {
    const bare = read(recordsOf(messageOf({ legacyVersion: 0x0301, block: undefined })));
    assert.deepEqual([bare.serverName, bare.versions, bare.alpn], [undefined, [0x0301], []]);
    assert.deepEqual(read(recordsOf(messageOf({ block: u16(0) }))).versions, [0x0303]);
  });

  test("with the version of its legacy version (RFC 8446 appendix D.2)", () => {
    const cases = [
      [0x0300, 0x0300],
      [0x0302, 0x0302],
      [0x0304, 0x0303],
      [0xffff, 0x0303],
    ] as const;
    for (const [legacyVersion, version] of cases) {
      assert.deepEqual(read(recordsOf(messageOf({ legacyVersion }))).versions, [version]);
    }
    assert.deepEqual(read(helloOf(versions(0x0a0a))).versions, []);
  });

  test("with and without a ticket or a pre-shared key", () => {
    assert.equal(read(helloOf(extension(35, Buffer.alloc(0)))).hasSessionTicket, false);
    assert.equal(read(helloOf(extension(35, Buffer.alloc(180)))).hasSessionTicket, true);
    assert.equal(read(helloOf(extension(41, Buffer.alloc(80)))).hasSessionTicket, true);
  });

  test("up to the maximum length", () => {
    const empty = messageOf({}, [extension(21, Buffer.alloc(0))]).length;
    const helloOfLength = (length: number): Buffer =>
      messageOf({}, [extension(21, Buffer.alloc(length - empty))]);
    const limit = 20_000;
    assert.equal(parseClientHello(recordsOf(helloOfLength(limit)), limit).kind, "hello");
    assert.equal(parseClientHello(recordsOf(helloOfLength(limit), 9), limit).kind, "hello");
    const longer = recordsOf(helloOfLength(limit + 1));
    assert.equal(parseClientHello(longer.subarray(0, 9), limit).kind, "too-large");
    assert.equal(parseClientHello(longer.subarray(0, 8), limit).kind, "incomplete");
  });

  test("with an extension block of 65,535 bytes, and with a very long list of suites", () => {
    const longest = messageOf({}, [extension(21, Buffer.alloc(65_535 - 4))]);
    assert.ok(longest.length > 65_535 && longest.length < MAX_HELLO_BYTES);
    assert.equal(kindOf(recordsOf(longest)), "hello");
    assert.equal(kindOf(recordsOf(longest, 9)), "hello");
    const unknown = Array.from({ length: 32_000 }, (_, index) => 0x5000 + (index % 0x1000));
    const { cipherSuites } = read(
      recordsOf(messageOf({ suites: u16(...unknown, 0x1301, 0xc02b) })),
    );
    assert.ok(cipherSuites.length < 1_000, `${cipherSuites.length} are kept`);
    assert.ok(cipherSuites.includes(0x1301) && cipherSuites.includes(0xc02b));
  });

  test("with the schemes for certificates, which default to those for the handshake", () => {
    const own = read(helloOf(signatures(0x0403), extension(50, long(u16(0x0a0a, 0x0401)))));
    assert.deepEqual([own.signatureSchemes, own.certificateSchemes], [[0x0403], [0x0401]]);
    assert.deepEqual(read(helloOf(signatures(0x0403))).certificateSchemes, [0x0403]);
  });
});

describe("application protocols", () => {
  test("a list of 70 is kept", () => {
    const names = Array.from({ length: 70 }, (_, index) => `p${index}`);
    assert.deepEqual(read(helloOf(alpn(...names))).alpn, names);
  });

  test("at most the first hundred are kept, and at most 4 KB", () => {
    const many = Array.from({ length: 20_000 }, () => "x");
    assert.equal(read(helloOf(alpn(...many))).alpn.length, 100);
    const lengthy = Array.from({ length: 90 }, (_, index) => String(index).padStart(255, "x"));
    assert.deepEqual(read(helloOf(alpn(...lengthy))).alpn, lengthy.slice(0, 16));
  });
});

test("a hello in 8,192 records is parsed, and one in 8,193 is too large", () => {
  const empty = messageOf({}, [extension(21, Buffer.alloc(0))]).length;
  const sizes = [8_192, 8_193].map((length) => Buffer.alloc(length - empty));
  const [most, more] = sizes.map((padding) => messageOf({}, [extension(21, padding)]));
  assert.ok(most && more);
  assert.equal(kindOf(recordsOf(most, 1)), "hello");
  assert.equal(kindOf(recordsOf(more, 1)), "too-large");
});

describe("a server name (RFC 6066 section 3)", () => {
  const label = "a".repeat(63);
  const longest = `${label}.${label}.${label}.${"a".repeat(61)}`;
  const accepted = [
    ["example.org", "example.org"],
    ["EXAMPLE.Org.", "example.org"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
    ["_dmarc.a-b.example", "_dmarc.a-b.example"],
    ["localhost", "localhost"],
    ["09.zz.AZ", "09.zz.az"],
    ["192.0.2.1.example", "192.0.2.1.example"],
    [longest, longest],
    [`${longest}.`, longest],
  ] as const;
  for (const [sent, name] of accepted) {
    test(`${sent.slice(0, 30)} is read`, () => {
      assert.equal(read(helloOf(serverName(sent))).serverName, name);
    });
  }

  const addresses = ["192.0.2.1", "192.0.2.1.", "1", "0x7f.0x1", "2001:db8::1", "[::1]"];
  const marks = ["*.a", "*", "a:1", "a b", "a/b", "a@b", "a\n", "a\x07b", "ü.example", "\x1b[31m"];
  const labels = [".", "..", ".a", "a..b", "a..", "-a.b", "a-.b", `${label}a.b`, `${longest}a`];
  for (const sent of [...addresses, ...marks, ...labels]) {
    test(`${JSON.stringify(sent.slice(0, 30))} is not a host name`, () => {
      const { serverName: name, otherName } = read(helloOf(serverName(sent)));
      assert.deepEqual([name, otherName], [undefined, sent]);
    });
  }
});
