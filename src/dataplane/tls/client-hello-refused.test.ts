import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  alpn,
  groups,
  helloOf,
  long,
  messageOf,
  recordsOf,
  serverName,
  u16,
  u8,
} from "./client-hello-bytes.ts";
import { parseClientHello } from "./client-hello.ts";
import { MALFORMED_HELLOS } from "./malformed-hellos.ts";

const kindOf = (bytes: Buffer): string => parseClientHello(bytes).kind;
const tail = (block: Buffer): Buffer => recordsOf(messageOf({ block }));
const text = (value: string): Buffer => Buffer.from(value, "latin1");
const hex = (value: string): Buffer => Buffer.from(value, "hex");

const alertOf = (bytes: Buffer): string => {
  const result = parseClientHello(bytes);
  return result.kind === "malformed" ? result.alert : result.kind;
};

for (const [alert, cases] of Object.entries(MALFORMED_HELLOS)) {
  describe(`${alert} is the alert for`, () => {
    for (const [name, bytes] of Object.entries(cases)) {
      test(name, () => assert.equal(alertOf(bytes), alert));
    }
  });
}

test("a refused hello does not affect the next one", () => {
  for (let round = 0; round < 2; round += 1) {
    assert.equal(alertOf(helloOf(alpn("h2"), alpn("h2"))), "illegal_parameter");
    assert.equal(alertOf(helloOf(alpn("h2"), serverName("a"), groups(29))), "hello");
    assert.equal(alertOf(tail(long(Buffer.concat([alpn("h2"), u16(21)])))), "decode_error");
  }
});

describe("bytes that are not a hello", () => {
  const methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"];
  for (const start of [...methods.map((method) => `${method} `), "PRI * HTTP/2.0"]) {
    test(`${start.trim()} is plaintext-http, and incomplete until it has arrived completely`, () => {
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
    "\0\0",
    "EHLO a",
    "\x15\x02",
    "\x15\x03\x05",
    "\x03\x03\0\xff\xff",
  ];
  for (const start of notTls) {
    test(`${JSON.stringify(start)} is not-tls`, () => assert.equal(kindOf(text(start)), "not-tls"));
  }

  test("two first bytes that no protocol starts with are not-tls immediately", () => {
    for (let byte = 0; byte < 0x80; byte += 1) {
      assert.equal(kindOf(u8(byte)), "incomplete", String(byte));
      assert.equal(kindOf(u8(byte, 3)), "incomplete", String(byte));
      assert.equal(kindOf(u8(byte, 0xff)), "not-tls", String(byte));
    }
  });

  test("a handshake record of another major version is not-tls", () => {
    assert.equal(kindOf(u8(22, 3)), "incomplete");
    assert.equal(kindOf(u8(22, 2)), "not-tls");
    assert.equal(kindOf(u8(22, 0x54, 1, 0, 4)), "not-tls");
  });

  test("an SSLv2 hello is unsupported-version", () => {
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

  test("a hello below SSL 3.0 in a TLS record is unsupported-version", () => {
    assert.equal(kindOf(recordsOf(messageOf({ legacyVersion: 0x0002 }))), "unsupported-version");
  });
});
