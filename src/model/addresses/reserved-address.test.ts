import assert from "node:assert/strict";
import { test } from "node:test";
import { reservedKindOf } from "./reserved-address.ts";

test("a reserved address is known in every spelling", () => {
  const kinds = {
    "127.0.0.1": "loopback",
    "127.255.0.9": "loopback",
    "::1": "loopback",
    "0:0:0:0:0:0:0:1": "loopback",
    "::ffff:127.0.0.1": "loopback",
    "::FFFF:7f00:1": "loopback",
    LocalHost: "loopback",
    "a.localhost": "loopback",
    "169.254.169.254": "link-local",
    "::ffff:a9fe:a9fe": "link-local",
    "fe80::1": "link-local",
    "febf::1": "link-local",
    "0.0.0.0": "unspecified",
    "::": "unspecified",
    "::ffff:0.0.0.0": "unspecified",
    "239.1.2.3": "multicast",
    "ff02::1": "multicast",
    "255.255.255.255": "broadcast",
    "::127.0.0.1": "loopback",
    "::a9fe:a9fe": "link-local",
    "::ffff:0:127.0.0.1": "loopback",
    "64:ff9b::7f00:1": "loopback",
    "64:ff9b::169.254.169.254": "link-local",
    "64:ff9b:1::127.0.0.1": "loopback",
    "2002:7f00:1::": "loopback",
    "2002:a9fe:a9fe::1": "link-local",
    "ip6-localhost": "loopback",
    "IP6-loopback": "loopback",
    "localhost.localdomain": "loopback",
    localhost4: "loopback",
  } as const;
  for (const [address, kind] of Object.entries(kinds)) {
    assert.equal(reservedKindOf(address), kind, address);
  }
  const others = ["localhost.example", "mylocalhost", "2002:c000:201::1", "64:ff9b::192.0.2.1"];
  for (const address of [...others, "192.0.2.1", "10.0.0.1", "2001:db8::1", "fd00::1"]) {
    assert.equal(reservedKindOf(address), undefined, address);
  }
});
