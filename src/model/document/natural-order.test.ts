import assert from "node:assert/strict";
import { it } from "node:test";
import { compareNames } from "./natural-order.ts";

it("names are in the order of the numbers in them", () => {
  const names = ["web-1", "web-2", "web-02", "web-10", "web-10a", "web-100", "www"];
  for (const shuffled of [names, names.toReversed()]) {
    const sorted = shuffled.toSorted(compareNames);
    assert.deepEqual(
      sorted.filter((name) => name !== "web-02"),
      names.filter((name) => name !== "web-02"),
    );
    assert.equal(Math.abs(sorted.indexOf("web-02") - sorted.indexOf("web-2")), 1);
  }
  assert.notEqual(compareNames("web-2", "web-02"), 0);
  assert.equal(compareNames("web-2", "web-2"), 0);
});
