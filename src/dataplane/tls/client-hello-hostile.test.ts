import assert from "node:assert/strict";
import { test } from "node:test";
import { randomBelow } from "#harness/random.ts";
import {
  alpn,
  BROWSER_MESSAGE,
  extension,
  groups,
  messageOf,
  recordsOf,
  serverName,
  signatures,
  versions,
} from "./client-hello-bytes.ts";
import { HelloReader, MAX_HELLO_BYTES, parseClientHello } from "./client-hello.ts";

const KINDS = [
  "hello",
  "incomplete",
  "malformed",
  "not-tls",
  "plaintext-http",
  "too-large",
  "unsupported-version",
];
const SMALL_MESSAGE = messageOf({}, [
  serverName("a.example"),
  alpn("h2", "http/1.1"),
  groups(29, 23),
  signatures(0x0403),
  versions(0x0304),
]);
const BASES = [
  recordsOf(BROWSER_MESSAGE),
  recordsOf(BROWSER_MESSAGE, 200),
  recordsOf(SMALL_MESSAGE),
  recordsOf(SMALL_MESSAGE, 5),
  Buffer.from("CONNECT a.example:443 HTTP/1.1\r\n\r\n"),
  Buffer.from("802e01000200150010", "hex"),
];

function check(bytes: Buffer): string {
  const result = parseClientHello(bytes);
  assert.ok(KINDS.includes(result.kind), result.kind);
  if (result.kind === "hello") {
    const { serverName: name, cipherSuites, versions: offered } = result.hello;
    if (name !== undefined) assert.match(name, /^(?=.{1,253}$)[a-z0-9_-]+(\.[a-z0-9_-]+)*$/);
    assert.ok((result.hello.otherName?.length ?? 0) <= 255);
    for (const code of [...cipherSuites, ...offered]) assert.ok(code >= 0 && code <= 0xffff);
  }
  return result.kind;
}

test("100,000 random changes and truncations give one of the result kinds, and each kind occurs", () => {
  const next = randomBelow(5);
  const seen = new Set<string>();
  for (let round = 0; round < 100_000; round += 1) {
    const bytes = Buffer.from(BASES[round % BASES.length] ?? SMALL_MESSAGE);
    for (let change = next(4); change >= 0; change -= 1) {
      const at = next(bytes.length);
      bytes[at] = next(2) === 0 ? next(256) : bytes.readUInt8(at) ^ (1 << next(8));
    }
    seen.add(check(next(4) === 0 ? bytes.subarray(0, next(bytes.length)) : bytes));
  }
  assert.deepEqual([...seen].toSorted(), KINDS);
});

test("every value of every byte of a small hello gives one of the result kinds", () => {
  const base = recordsOf(SMALL_MESSAGE);
  for (let at = 0; at < base.length; at += 1) {
    for (let value = 0; value < 256; value += 1) {
      const bytes = Buffer.from(base);
      bytes[at] = value;
      check(bytes);
    }
  }
});

test("more bytes never change a result", () => {
  const next = randomBelow(8);
  for (let round = 0; round < 3_000; round += 1) {
    const bytes = Buffer.from(BASES[round % BASES.length] ?? SMALL_MESSAGE);
    for (let change = next(3); change >= 0; change -= 1) bytes[next(bytes.length)] = next(256);
    let verdict: string | undefined;
    for (let length = 0; length <= bytes.length; length += 1 + next(40)) {
      const kind = check(bytes.subarray(0, length));
      if (verdict === undefined && kind !== "incomplete") verdict = kind;
      if (verdict !== undefined) assert.equal(kind, verdict);
    }
  }
});

test("a hello that arrives byte by byte in one-byte records is parsed in linear time", () => {
  const bytes = recordsOf(messageOf({}, [extension(21, Buffer.alloc(8_000))]), 1);
  const reader = new HelloReader(MAX_HELLO_BYTES);
  const before = process.cpuUsage();
  let length = 0;
  while (length < bytes.length) {
    length += 1;
    if (reader.read(bytes.subarray(0, length)).kind !== "incomplete") break;
  }
  const { user } = process.cpuUsage(before);
  assert.equal(length, bytes.length);
  // Parsing all records again with each of 48,000 bytes would take 50 times as long.
  assert.ok(user < 400_000, `${user} us`);
});

test("a long hello in one-byte records is refused within the limit", () => {
  const message = messageOf({}, [extension(21, Buffer.alloc(60_000))]);
  const slow = recordsOf(message, 1);
  const reader = new HelloReader(MAX_HELLO_BYTES);
  let length = 0;
  while (reader.read(slow.subarray(0, length)).kind === "incomplete") length += 1;
  assert.ok(length < MAX_HELLO_BYTES, `given up after ${length} bytes`);
  assert.equal(check(slow.subarray(0, length)), "too-large");
});
