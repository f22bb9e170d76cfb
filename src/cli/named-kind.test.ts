import assert from "node:assert/strict";
import { test } from "node:test";
import { checkName } from "./named-kind.ts";
import { UsageError } from "./usage-error.ts";

test("a name whose parts are missing is wrong usage, and the director checks the parts", () => {
  for (const [kind, name] of [
    ["listener", "front.shop"],
    ["listener", "front.shop:"],
    ["listener", "front.shop:abc"],
    ["listener", "front.shop:0"],
    ["listener", "front.shop:65536"],
    ["listener", "front:443"],
    ["listener", "front.a.shop:443"],
    ["vnic", "front"],
    ["vnic", "front."],
    ["vnic", "a.b.shop"],
    ["vnic", "front.shop:443"],
  ] as const) {
    const message = new RegExp(`^The name of a ${kind === "vnic" ? "vNIC" : kind} is <`);
    assert.throws(
      () => checkName(kind, name),
      (error) => error instanceof UsageError && message.test(error.message),
      name,
    );
  }
  for (const [kind, name] of [
    ["listener", "front.shop:65535"],
    ["vnic", "Front.shop"],
    ["server", "web.1:2"],
    ["certificate", "*.shop.example"],
  ] as const) {
    checkName(kind, name);
  }
});
