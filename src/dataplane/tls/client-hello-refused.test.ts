import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  alpn,
  BROWSER_MESSAGE,
  extension,
  groups,
  helloOf,
  long,
  messageOf,
  nameEntry,
  recordsOf,
  serverName,
  short,
  signatures,
  u16,
  u8,
  versions,
} from "./client-hello-bytes.ts";
import { parseClientHello } from "./client-hello.ts";

const kindOf = (bytes: Buffer): string => parseClientHello(bytes).kind;
const tail = (block: Buffer): Buffer => recordsOf(messageOf({ block }));
const text = (value: string): Buffer => Buffer.from(value, "latin1");
const hex = (value: string): Buffer => Buffer.from(value, "hex");

describe("malformed", () => {
  const cases: Readonly<Record<string, Buffer>> = {
    "an empty record": u8(22, 3, 1, 0, 0),
    "a record over 16 KiB": u8(22, 3, 1, 0x40, 1),
    "another handshake message": recordsOf(Buffer.from([2, 0, 0, 1, 0])),
    "another handshake message, long": recordsOf(Buffer.from([2, 0, 40, 0])),
    "another handshake message, like a hello": recordsOf(
      Buffer.from(BROWSER_MESSAGE).fill(2, 0, 1),
    ),
    "a name list beyond the extension": helloOf(
      extension(0, Buffer.concat([u16(9), nameEntry("a")])),
    ),
    "a name list before the end": helloOf(extension(0, Buffer.concat([u16(3), nameEntry("a")]))),
    "a message of no length": recordsOf(u8(1, 0, 0, 0)),
    "a session id of 33 bytes": recordsOf(messageOf({ sessionId: Buffer.alloc(33) })),
    "no cipher suites": recordsOf(messageOf({ suites: Buffer.alloc(0) })),
    "an odd number of suite bytes": recordsOf(messageOf({ suites: Buffer.alloc(3) })),
    "no compression methods": recordsOf(messageOf({ compression: Buffer.alloc(0) })),
    "half an extension length": tail(u8(0)),
    "an extension block that is too long": tail(u16(1)),
    "bytes after the extensions": tail(u8(0, 0, 0)),
    "half an extension header": tail(long(u16(21))),
    "an extension beyond the block": tail(long(u16(21, 1))),
    "an empty server_name": helloOf(extension(0, Buffer.alloc(0))),
    "an empty name list": helloOf(extension(0, u16(0))),
    "two names": helloOf(extension(0, long(Buffer.concat([nameEntry("a"), nameEntry("b")])))),
    "a name of another type": helloOf(extension(0, long(nameEntry("a", 1)))),
    "two server_name extensions": helloOf(serverName("a"), serverName("a")),
    "an empty ALPN": helloOf(extension(16, Buffer.alloc(0))),
    "an empty ALPN list": helloOf(alpn()),
    "an empty ALPN name": helloOf(alpn("h2", "")),
    "an ALPN name beyond the list": helloOf(extension(16, long(u8(3, 65, 65)))),
    "an ALPN list beyond the extension": helloOf(extension(16, u16(9, 0x0141))),
    "65 ALPN names": helloOf(alpn(...Array.from({ length: 65 }, () => "x"))),
    "two ALPN extensions": helloOf(alpn("h2"), alpn("h2")),
    "an empty supported_versions": helloOf(extension(43, Buffer.alloc(0))),
    "an empty version list": helloOf(versions()),
    "an odd version list": helloOf(extension(43, short(Buffer.alloc(3)))),
    "bytes after the versions": helloOf(extension(43, u8(2, 3, 4, 0))),
    "two supported_versions": helloOf(versions(0x0304), versions(0x0304)),
    "an empty supported_groups": helloOf(extension(10, Buffer.alloc(0))),
    "no groups": helloOf(groups()),
    "one byte of groups": helloOf(extension(10, u8(0))),
    "two supported_groups": helloOf(groups(29), groups(29)),
    "no signature schemes": helloOf(signatures()),
    "two signature_algorithms": helloOf(signatures(0x0403), signatures(0x0403)),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    test(name, () => assert.equal(kindOf(bytes), "malformed"));
  }

  test("an alert between the records", () => {
    const first = recordsOf(BROWSER_MESSAGE, 100).subarray(0, 105);
    assert.equal(kindOf(Buffer.concat([first, u8(21)])), "malformed");
    assert.equal(kindOf(Buffer.concat([first, u8(22, 2)])), "malformed");
  });
});

describe("what is no hello", () => {
  const methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"];
  for (const start of [...methods.map((method) => `${method} `), "PRI * HTTP/2.0"]) {
    test(`${start.trim()} is plaintext-http, and incomplete until it is all there`, () => {
      for (let length = 0; length < start.length; length += 1) {
        assert.equal(kindOf(text(start.slice(0, length))), "incomplete", start.slice(0, length));
      }
      assert.equal(kindOf(text(start)), "plaintext-http");
      assert.equal(kindOf(text(`${start}/ HTTP/1.1\r\n`)), "plaintext-http");
      assert.equal(kindOf(text(`${start.slice(0, -1)}!`)), "not-tls");
    });
  }

  const notTls = [
    "get / ",
    "GETS /",
    "PROXY ",
    "PRI *x",
    "SSH-2.0-",
    "\r\n",
    "\0",
    "EHLO a",
    "\x15\x03",
  ];
  for (const start of notTls) {
    test(`${JSON.stringify(start)} is not-tls`, () => assert.equal(kindOf(text(start)), "not-tls"));
  }

  test("first bytes that nothing starts with are not-tls at once", () => {
    for (let byte = 0; byte < 0x80; byte += 1) {
      const isPossible = byte === 22 || "GHPDOTC".includes(String.fromCharCode(byte));
      assert.equal(kindOf(u8(byte)), isPossible ? "incomplete" : "not-tls", String(byte));
    }
  });

  test("a handshake record of another major version is not-tls", () => {
    assert.equal(kindOf(u8(22, 3)), "incomplete");
    assert.equal(kindOf(u8(22, 2)), "not-tls");
    assert.equal(kindOf(u8(22, 0x54, 1, 0, 4)), "not-tls");
  });

  test("an SSLv2 hello is an unsupported-version", () => {
    for (const start of ["802e010002", "802e010303", "ffff0103ff"]) {
      for (let length = 0; length < 5; length += 1) {
        assert.equal(kindOf(hex(start).subarray(0, length)), "incomplete");
      }
      assert.equal(kindOf(hex(start)), "unsupported-version");
      assert.equal(kindOf(hex(`${start}0015001000`)), "unsupported-version");
    }
    for (const start of ["802e02", "802e0101", "802e010001"]) {
      assert.equal(kindOf(hex(start)), "not-tls", start);
    }
  });

  test("a hello below SSL 3.0 in a TLS record is an unsupported-version", () => {
    assert.equal(kindOf(recordsOf(messageOf({ legacyVersion: 0x0002 }))), "unsupported-version");
  });
});
