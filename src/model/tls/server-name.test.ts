import assert from "node:assert/strict";
import { it } from "node:test";
import * as fc from "fast-check";
import { tryNameOrWildcard, tryServerName, tryWildcardOf } from "./server-name.ts";

const LABEL = "a".repeat(63);
/** 253 characters. */
const LONGEST = `${LABEL}.${LABEL}.${LABEL}.${"a".repeat(61)}`;

it("returns one form of each host name", () => {
  for (const text of ["shop.example", "SHOP.Example", "shop.example.", "Shop.EXAMPLE."])
    assert.equal(tryServerName(text), "shop.example");
  for (const text of [LONGEST, "xn--mnchen-3ya.example", "a_b.example", "localhost", "1.a", "a-1"])
    assert.equal(tryServerName(text), text);
});

it("takes nothing else for a host name", () => {
  const others = [
    ...["", ".", "..", "a..b", ".a", "a..", "*.shop.example", "*", "-a.example", "a-.example"],
    ...["192.0.2.1", "192.0.2.1.", "0x7f.1", "a.0xff", "[::1]", "::1", "shop.example:443"],
    ...["shop example", "shop.example\0", "shop.example\n", "münchen.example", "shop.example/"],
    // The lower case of the first letter is the letter k.
    ...["\u{212a}.example", "shop.\u{212a}", `${LONGEST}a`, `${LABEL}a.example`, "user@a.example"],
  ];
  for (const text of others) assert.equal(tryServerName(text), undefined, text);
});

it("returns one form of each wildcard that can cover a name", () => {
  assert.equal(tryNameOrWildcard("*.Shop.Example."), "*.shop.example");
  assert.equal(tryNameOrWildcard("Shop.Example."), "shop.example");
  const longest = `*.${LONGEST.slice(2)}`;
  assert.equal(tryNameOrWildcard(longest), longest);
  const others = ["*.example", "*", "*.", "*.*.example.org", "a.*.example", "*a.example.org"];
  for (const text of [...others, "*.a_b.example", "*.192.0.2.1", `*.${LONGEST.slice(1)}`])
    assert.equal(tryNameOrWildcard(text), undefined, text);
});

it("is idempotent, and finds the wildcard of every name that a wildcard covers", () => {
  const labels = fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/);
  const names = fc.array(labels, { minLength: 1, maxLength: 5 }).map((list) => list.join("."));
  fc.assert(
    fc.property(names, fc.boolean(), (text, hasDot) => {
      const name = tryServerName(hasDot ? `${text}.` : text);
      if (name === undefined) return;
      assert.equal(tryServerName(name), name);
      assert.equal(tryServerName(name.toUpperCase()), name);
      const wildcard = tryWildcardOf(name);
      if (wildcard !== undefined) assert.equal(tryNameOrWildcard(wildcard), wildcard);
    }),
  );
});
