import assert from "node:assert/strict";
import { test } from "node:test";
import { randomBelow } from "#harness/random.ts";
import { buildProxyHeader } from "./build-proxy-header.ts";
import { crc32c } from "./crc32c.ts";
import { parseProxyHeader } from "./parse-proxy-header.ts";

const FACTS = {
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
const IPV4 = buildProxyHeader("v2", FACTS);
const IPV6 = buildProxyHeader("v2", {
  ...FACTS,
  clientAddress: "2001:db8::1",
  destinationAddress: "2001:db8::2",
});
const TEXT = buildProxyHeader("v1", FACTS);
const UNKNOWN = buildProxyHeader("v1", { ...FACTS, clientAddress: "" });
const CHECKSUM_BYTES = 7;

test("no single flipped bit after the fixed part goes unnoticed", () => {
  for (const header of [IPV4, IPV6]) {
    for (let bit = 8 * 16; bit < 8 * header.length; bit += 1) {
      // If the type of the checksum TLV changes, nothing is verified.
      if (bit >> 3 === header.length - CHECKSUM_BYTES) continue;
      const flipped = Buffer.from(header);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      assert.equal(parseProxyHeader(flipped).kind, "malformed", `bit ${bit}`);
    }
  }
});

test("30,000 random changes never throw and never announce an invalid address", () => {
  const next = randomBelow(3);
  const bases = [IPV4, TEXT, IPV6, UNKNOWN];
  const seen = new Set<string>();
  for (let round = 0; round < 30_000; round += 1) {
    const bytes = Buffer.from(bases[round % bases.length] ?? TEXT);
    for (let change = next(4); change >= 0; change -= 1) bytes[next(bytes.length)] = next(256);
    // With a correct checksum, some of the changes reach the parsers of addresses and TLVs.
    if (round % 2 === 0 && next(2) === 0) repairChecksum(bytes);
    const end = next(3) === 0 ? next(bytes.length) : bytes.length;
    const result = parseProxyHeader(bytes.subarray(0, end));
    seen.add(result.kind);
    if (result.kind === "malformed") assert.match(result.detail, /^[\x20-\x7e]+$/);
    if (result.kind === "announced") {
      const { address, destinationAddress } = result.client;
      assert.match(`${address} ${destinationAddress}`, /^[0-9a-f:.]+ [0-9a-f:.]+$/);
      assert.ok(result.headerBytes <= end);
    }
  }
  assert.deepEqual([...seen].toSorted(), ["announced", "incomplete", "local", "malformed"]);
});

test("50,000 random texts and bytes after a correct start never throw", () => {
  const next = randomBelow(9);
  const starts = [Buffer.from("PROXY TCP4 1.2.3.4 "), IPV4.subarray(0, 16), Buffer.alloc(0)];
  for (let round = 0; round < 50_000; round += 1) {
    const start = starts[round % starts.length] ?? TEXT;
    const rest = Uint8Array.from({ length: next(140) }, () => next(256));
    assert.equal(typeof parseProxyHeader(Buffer.concat([start, rest])).kind, "string");
  }
});

function repairChecksum(bytes: Buffer): void {
  bytes.writeUInt32BE(0, bytes.length - 4);
  bytes.writeUInt32BE(crc32c(bytes), bytes.length - 4);
}
