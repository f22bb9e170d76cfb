import assert from "node:assert/strict";
import { test } from "node:test";
import { filterOf } from "./list-filters.ts";

test("a server is found by the profiles that name it, also as a standby and with options", () => {
  const document = {
    profiles: {
      one: { servers: ["web-1"] },
      two: { standby: ["web-1"] },
      three: { servers: [{ server: "web-1", weight: 2 }] },
      four: { servers: ["web-2"] },
    },
  };
  const found = (
    kind: "profiles" | "listeners",
    ending: string,
    server = "web-1",
  ): readonly string[] => {
    const matches = filterOf({ server }, kind, document);
    return ["one", "two", "three", "four", "constructor"].filter((name) =>
      matches(`${kind === "profiles" ? "" : "front."}${name}${ending}`),
    );
  };
  assert.deepEqual(found("profiles", ""), ["one", "two", "three"]);
  assert.deepEqual(found("listeners", ":443"), ["one", "two", "three"]);
  assert.deepEqual(found("profiles", "", "*-2"), ["four"]);
});
