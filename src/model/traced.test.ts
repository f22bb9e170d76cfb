import assert from "node:assert/strict";
import { test } from "node:test";
import { Surroundings, Traced } from "./traced.ts";

const part = {};

test("a kept result is used while every look-up finds the same, also one that found nothing", () => {
  const traced = new Traced<object, string>();
  let computed = 0;
  const textIn = (names: Readonly<Record<string, object>>): string => {
    const surroundings = new Surroundings({ names });
    return traced.of(part, "one", surroundings, () => {
      computed += 1;
      return Object.hasOwn(surroundings.seen.names, "b") ? "with b" : "without b";
    });
  };
  const a = {};
  assert.equal(textIn({ a }), "without b");
  assert.equal(textIn({ a: {}, c: {} }), "without b");
  assert.equal(computed, 1);
  assert.equal(textIn({ a, b: {} }), "with b");
  assert.equal(computed, 2);
});

test("a recorded function that records another is a mistake, and one that throws is not recorded", () => {
  const surroundings = new Surroundings({ names: {} });
  const nested = () => surroundings.record(() => surroundings.record(() => 1));
  assert.throws(nested, TypeError);
  assert.equal(surroundings.record(() => 2).result, 2);
});
