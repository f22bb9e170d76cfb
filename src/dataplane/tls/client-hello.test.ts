import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  alpn,
  BROWSER_MESSAGE,
  extension,
  helloOf,
  messageOf,
  recordsOf,
  serverName,
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
  alpn: ["h2", "http/1.1"],
  legacyVersion: 0x0303,
  versions: [0x0304, 0x0303],
  cipherSuites: [0x1301, 0x1302, 0xc02b],
  groups: [0x11ec, 0x001d, 0x0017],
  signatureSchemes: [0x0403, 0x0804],
  hasSessionTicket: false,
};

describe("a hello is read", () => {
  test("with everything that a browser sends", () => {
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

  test("byte by byte, and whatever follows it", () => {
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

  test("with the version that its legacy version stands for (RFC 8446 appendix D.2)", () => {
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

  test("with a ticket or a pre-shared key, or without", () => {
    assert.equal(read(helloOf(extension(35, Buffer.alloc(0)))).hasSessionTicket, false);
    assert.equal(read(helloOf(extension(35, Buffer.alloc(180)))).hasSessionTicket, true);
    assert.equal(read(helloOf(extension(41, Buffer.alloc(80)))).hasSessionTicket, true);
  });

  test("as long as the limit allows", () => {
    const rest = MAX_HELLO_BYTES - messageOf({}, [extension(21, Buffer.alloc(0))]).length;
    const longest = messageOf({}, [extension(21, Buffer.alloc(rest))]);
    assert.equal(longest.length, MAX_HELLO_BYTES);
    assert.equal(kindOf(recordsOf(longest)), "hello");
    assert.equal(kindOf(recordsOf(longest, 9)), "hello");
    const longer = recordsOf(messageOf({}, [extension(21, Buffer.alloc(rest + 1))]));
    assert.equal(kindOf(longer.subarray(0, 9)), "too-large");
    assert.equal(kindOf(longer.subarray(0, 8)), "incomplete");
    assert.equal(kindOf(recordsOf(longest, 7)), "too-large");
  });
});

test("64 application protocols are read", () => {
  const names = Array.from({ length: 64 }, (_, index) => `p${index}`);
  assert.deepEqual(read(helloOf(alpn(...names))).alpn, names);
});

test("a hello in 2,048 records is read, in 2,049 it is too large", () => {
  const empty = messageOf({}, [extension(21, Buffer.alloc(0))]).length;
  const sizes = [2_048, 2_049].map((length) => Buffer.alloc(length - empty));
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
    ["zz.AZ.09", "zz.az.09"],
    ["192.0.2.1", "192.0.2.1"],
    [longest, longest],
    [`${longest}.`, longest],
  ] as const;
  for (const [sent, name] of accepted) {
    test(`${sent.slice(0, 30)} is read`, () => {
      assert.equal(read(helloOf(serverName(sent))).serverName, name);
    });
  }

  const refused = ["", ".", "..", ".a", "a..b", "a..", "*.a", "a b", "a\0", "a/b", "a:1", "[::1]"];
  for (const name of [...refused, "ü.example", "a\n", `${longest}a`, `${label}a.b`]) {
    test(`${JSON.stringify(name.slice(0, 30))} is malformed`, () => {
      assert.equal(kindOf(helloOf(serverName(name))), "malformed");
    });
  }
});
