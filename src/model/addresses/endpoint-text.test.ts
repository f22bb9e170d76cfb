import assert from "node:assert/strict";
import { it } from "node:test";
import { isServerName, trySocketAddress, tryUnixPath } from "./endpoint-text.ts";

it("parses a host and a port", () => {
  assert.deepEqual(trySocketAddress("Payments.Example:443"), {
    host: "payments.example",
    port: 443,
  });
  assert.deepEqual(trySocketAddress("192.0.2.1:1"), { host: "192.0.2.1", port: 1 });
  assert.deepEqual(trySocketAddress("[2001:db8::1]:65535"), { host: "2001:db8::1", port: 65_535 });
  for (const text of [
    "",
    ":443",
    "a",
    "a:",
    "a:0",
    "a:065",
    "a:65536",
    "2001:db8::1:443",
    "[192.0.2.1]:1",
  ]) {
    assert.equal(trySocketAddress(text), undefined, text);
  }
});

it("parses the path of a unix socket", () => {
  assert.equal(tryUnixPath("unix:/run/app.sock"), "/run/app.sock");
  assert.equal(tryUnixPath(`unix:/${"ü".repeat(53)}`), `/${"ü".repeat(53)}`);
  for (const text of ["/run/app.sock", "unix:app.sock", "unix:/a\0b", `unix:/${"ü".repeat(54)}`]) {
    assert.equal(tryUnixPath(text), undefined);
  }
});

it("accepts names that a certificate can contain", () => {
  for (const name of ["a", "a.example", "x-1.y_2.example", "192.0.2.1", "2001:db8::1"])
    assert.ok(isServerName(name));
  for (const name of ["", "-a", "a..b", "a b", "1.2.3", "*.example", `${"a".repeat(64)}.example`]) {
    assert.equal(isServerName(name), false, name);
  }
});

it("takes no number form of an address for a name", () => {
  const numbers = [
    "0x7f.0x65.0x9.0x1",
    "0x7f.1",
    "127.1",
    "2130706433",
    "0x7F000001",
    "0177.0.0.1",
  ];
  for (const host of [...numbers, "010.0.0.1", "a.0x", "0x", "127.0.0.256", "a.example.7"]) {
    assert.equal(isServerName(host), false, host);
    assert.equal(trySocketAddress(`${host}:80`), undefined, host);
  }
  for (const host of ["0x7f.example", "1.2.3.4a", "7.example", "a.0xg", "a.x0"]) {
    assert.ok(isServerName(host), host);
  }
});
