import assert from "node:assert/strict";
import { test } from "node:test";
import { onlyLike } from "./show-kind.ts";

const shown = (wanted: string): readonly string[] | undefined =>
  onlyLike(["*.shop.example", "shop.example", "www.shop.example", "aba"], wanted, (name) => name);

test("a `*` matches any number of characters", () => {
  assert.deepEqual(shown("*"), ["*.shop.example", "shop.example", "www.shop.example", "aba"]);
  assert.deepEqual(shown("shop*.example"), ["shop.example"]);
  assert.deepEqual(shown("*s*p*"), ["*.shop.example", "shop.example", "www.shop.example"]);
  assert.deepEqual(shown("ab*ba"), undefined);
  assert.deepEqual(shown("*.shop.example*"), ["*.shop.example", "www.shop.example"]);
  assert.deepEqual(shown("www.*"), ["www.shop.example"]);
});

test("an exact name takes precedence over a pattern", () => {
  assert.deepEqual(shown("*.shop.example"), ["*.shop.example"]);
});

test("no character except `*` is special", () => {
  assert.deepEqual(shown("shop.exampl."), undefined);
  assert.deepEqual(shown("[a]*"), undefined);
});
