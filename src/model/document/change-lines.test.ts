import assert from "node:assert/strict";
import { it } from "node:test";
import { changeLines } from "./change-lines.ts";

it("changes are shown one a line", () => {
  assert.deepEqual(
    changeLines([
      { path: ["servers", "web-3"], after: { address: "192.0.2.3" } },
      { path: ["certificates", "*.shop.example"], before: { chain: "a.pem" } },
      {
        path: ["profiles", "shop", "vnics", "front", "listeners", "443", "to"],
        before: 1,
        after: 2,
      },
    ]),
    [
      '+ servers.web-3 {"address":"192.0.2.3"}',
      '- certificates["*.shop.example"] {"chain":"a.pem"}',
      "~ profiles.shop.vnics.front.listeners.443.to: 1 -> 2",
    ],
  );
});

it("many changes and long values are cut", () => {
  const changes = Array.from({ length: 15 }, (_, at) => ({
    path: ["servers", `s${at}`],
    after: 1,
  }));
  const lines = changeLines(changes, 3);
  assert.deepEqual(lines.slice(-2), ["+ servers.s2 1", "… and 12 more"]);
  const [long = ""] = changeLines([{ path: ["a".repeat(9_000)], after: "😀".repeat(9_000) }]);
  assert.ok(long.length < 900);
  assert.ok(long.isWellFormed());
  assert.ok(long.endsWith("…"));
});

it("control characters are escaped in names and values", () => {
  const [line = ""] = changeLines([{ path: ["x\u001b[2J\u202e"], after: "\u009b\u2066\n" }]);
  assert.doesNotMatch(line, /[\p{Cc}\p{Cf}]/u);
});
