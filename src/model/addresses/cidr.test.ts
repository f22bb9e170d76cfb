import assert from "node:assert/strict";
import { isIP } from "node:net";
import { describe, test } from "node:test";
import { randomBelow } from "#harness/random.ts";
import {
  addressTextOf,
  cidrsContain,
  isIpAddress,
  limitKeyOf,
  normaliseClientAddress,
  parseCidr,
  tryAddressBytes,
} from "./cidr.ts";

const FAMILIES: readonly (readonly [string, 0 | 4 | 6])[] = [
  ["0.0.0.0", 4],
  ["255.255.255.255", 4],
  ["192.0.2.1", 4],
  ["256.0.0.1", 0],
  ["1.2.3", 0],
  ["1.2.3.4.5", 0],
  ["1.2.3.4.", 0],
  [".1.2.3.4", 0],
  ["1..2.3", 0],
  ["01.2.3.4", 0],
  ["1.2.3.00", 0],
  ["0x7f.0.0.1", 0],
  ["1.2.3.4 ", 0],
  ["+1.2.3.4", 0],
  ["١.2.3.4", 0],
  ["", 0],
  ["localhost", 0],
  ["::", 6],
  ["::1", 6],
  ["1::", 6],
  ["2001:DB8::Ff", 6],
  ["1:2:3:4:5:6:7:8", 6],
  ["1:2:3:4:5:6:7::", 6],
  ["::2:3:4:5:6:7:8", 6],
  ["1::2:3:4:5:6:7:8", 0],
  ["::1:2:3:4:5:6:7:8", 0],
  ["1:2:3:4:5:6:7:8::", 0],
  ["1:2:3:4:5:6:7", 0],
  ["1:2:3:4:5:6:7:8:9", 0],
  ["::ffff:192.0.2.1", 6],
  ["1:2:3:4:5:6:1.2.3.4", 6],
  ["1:2:3:4:5:6:7:1.2.3.4", 0],
  ["::1.2.3.4:5", 0],
  ["1.2.3.4::", 0],
  ["::1.2.3", 0],
  ["::01.2.3.4", 0],
  [":", 0],
  [":::", 0],
  [":1", 0],
  ["1:", 0],
  ["1::2::3", 0],
  ["12345::", 0],
  ["0fff0::", 0],
  ["g::", 0],
  ["::1x1", 0],
  ["ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 6],
  ["[::1]", 0],
  ["fe80::1%eth0", 0],
  [`::${"0".repeat(60)}`, 0],
];

describe("isIpAddress", () => {
  for (const [text, family] of FAMILIES) {
    test(`returns ${family} for ${JSON.stringify(text)}`, () => {
      assert.equal(isIpAddress(text), family);
      if (!text.includes("%")) assert.equal(isIP(text), family);
    });
  }

  test("agrees with the platform on 50,000 random texts", () => {
    const next = randomBelow(7);
    const letters = "0123456789afAFg-:::..";
    for (let round = 0; round < 50_000; round += 1) {
      const [base = ""] = FAMILIES[next(FAMILIES.length)] ?? [];
      const at = next(base.length + 1);
      const text =
        base.slice(0, at) + letters.charAt(next(letters.length)) + base.slice(at + next(3));
      if (!text.includes("%")) assert.equal(isIpAddress(text), isIP(text), text);
    }
  });
});

describe("address text and bytes", () => {
  const canonical = [
    ["0:0:0:0:0:0:0:0", "::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["1:0:0:0:0:0:0:0", "1::"],
    ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["::ffff:c000:201", "::ffff:192.0.2.1"],
    ["192.0.2.1", "192.0.2.1"],
  ] as const;
  for (const [given, expected] of canonical) {
    test(`${given} is written as ${expected} (RFC 5952)`, () => {
      const bytes = tryAddressBytes(given);
      assert.ok(bytes);
      assert.equal(addressTextOf(bytes), expected);
    });
  }

  test("random bytes are unchanged after conversion to text and back", () => {
    const next = randomBelow(11);
    for (let round = 0; round < 5_000; round += 1) {
      const bytes = Uint8Array.from({ length: next(4) === 0 ? 4 : 16 }, () => next(2) * next(256));
      assert.deepEqual(tryAddressBytes(addressTextOf(bytes)), bytes);
    }
    assert.equal(tryAddressBytes("nowhere"), undefined);
  });
});

describe("parseCidr and cidrsContain", () => {
  const cases = [
    ["192.0.2.0/24", ["192.0.2.0", "192.0.2.255", "::ffff:192.0.2.7"], ["192.0.3.0", "::1", "x"]],
    ["192.0.2.4/30", ["192.0.2.4", "192.0.2.7"], ["192.0.2.3", "192.0.2.8"]],
    ["192.0.2.1", ["192.0.2.1"], ["192.0.2.2", "::192.0.2.1"]],
    ["0.0.0.0/0", ["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"], ["::1", "::", ""]],
    ["2001:db8::/33", ["2001:db8::1", "2001:DB8:7fff::"], ["2001:db8:8000::", "10.0.0.1"]],
    ["fe80::/10", ["fe80::1%eth0", "febf::"], ["fec0::", "fe00::"]],
    ["::/0", ["::1", "2001:db8::"], ["1.2.3.4", "::ffff:1.2.3.4", "x", ""]],
    ["::1", ["::1", "0:0:0:0:0:0:0:1"], ["::2", "1.0.0.0"]],
    ["::ffff:10.0.0.0/104", ["10.9.9.9", "::ffff:10.1.2.3"], ["11.0.0.0", "::10.0.0.1"]],
    ["::ffff:0:0/96", ["10.9.9.9"], ["::10.0.0.1"]],
    ["::fffe:0:0/96", ["::fffe:1.2.3.4"], ["1.2.3.4"]],
  ] as const;
  for (const [text, inside, outside] of cases) {
    test(`${text} contains the expected addresses`, () => {
      const cidr = parseCidr(text);
      for (const address of inside) assert.equal(cidrsContain([cidr], address), true, address);
      for (const address of outside) assert.equal(cidrsContain([cidr], address), false, address);
    });
  }

  const refused = [
    "",
    "/8",
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/08",
    "10.0.0.0/8/8",
    "10.0.0/8",
    "::/129",
    "::1/1e1",
    "fe80::1%eth0/64",
    "10.0.0.1/8",
    "2001:db8::1/64",
    "10.0.0.0/ 8",
    "10.0.0.0/255.0.0.0",
    "example.org",
  ];
  for (const text of refused) {
    test(`${JSON.stringify(text)} is refused with a sentence`, () => {
      assert.throws(() => parseCidr(text), { name: "TypeError", message: /^".*\.$/ });
    });
  }

  test("a network with address bits is refused, and the message contains the intended network", () => {
    assert.throws(() => parseCidr("10.1.2.3/8"), /write 10\.0\.0\.0\/8 for/);
    assert.throws(() => parseCidr("2001:db8::1/32"), /write 2001:db8::\/32 for/);
  });
});

describe("clients", () => {
  test("each client address has one text", () => {
    assert.equal(normaliseClientAddress("192.0.2.1"), "192.0.2.1");
    assert.equal(normaliseClientAddress("::FFFF:192.0.2.1"), "192.0.2.1");
    assert.equal(normaliseClientAddress("::ffff:c000:201"), "192.0.2.1");
    assert.equal(normaliseClientAddress("FE80::0:1%eth0"), "fe80::1");
    assert.equal(normaliseClientAddress("1::ffff:102:304"), "1::ffff:102:304");
    assert.equal(normaliseClientAddress("::ff00:102:304"), "::ff00:102:304");
    assert.equal(normaliseClientAddress("::1:ffff:102:304"), "::1:ffff:102:304");
    assert.equal(normaliseClientAddress("::ff:102:304"), "::ff:102:304");
    assert.equal(normaliseClientAddress("Not:An:Address"), "not:an:address");
  });

  test("the key of a limit is the IPv4 address or the IPv6 /64", () => {
    assert.equal(limitKeyOf("192.0.2.1"), "192.0.2.1");
    assert.equal(limitKeyOf("::ffff:192.0.2.1"), "192.0.2.1");
    assert.equal(limitKeyOf("2001:db8::1"), "2001:db8:0:0::/64");
    assert.equal(limitKeyOf("2001:db8:0:0:ffff::%eth0"), "2001:db8:0:0::/64");
    assert.notEqual(limitKeyOf("2001:db8:0:1::1"), limitKeyOf("2001:db8::1"));
    assert.equal(limitKeyOf(""), "");
    assert.equal(limitKeyOf("Bad:"), "bad:");
  });
});
