import assert from "node:assert/strict";
import { it } from "node:test";
import { tryClosestName, tryDidYouMean } from "./closest-name.ts";

const KNOWN = ["port", "mode", "to", "certificates", "strictServerName"];

it("finds the intended name", () => {
  for (const [given, meant] of [
    ["prot", "port"],
    ["certificate", "certificates"],
    ["strictservername", "strictServerName"],
    ["modes", "mode"],
  ] as const) {
    assert.equal(tryClosestName(given, KNOWN), meant);
  }
});

it("finds nothing if no name is close", () => {
  for (const given of ["colour", "", "x".repeat(10_000)]) {
    assert.equal(tryDidYouMean(given, ["port", "mode"]), undefined);
  }
});
