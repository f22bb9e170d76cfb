import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonMap } from "../json.ts";
import { withAdoptedServer, withMovedProfile } from "./move-profile.ts";

const heavy = { server: "two", weight: 5, ports: { 80: 8080 } };
const profiles = (shop: JsonMap) => ({ profiles: { shop } });

test("a moved profile lives on the new servers only, whose entries stay as they are", () => {
  const document = profiles({
    servers: ["one", heavy],
    standby: ["three", "four"],
    balance: "client-hash",
  });
  assert.deepEqual(
    withMovedProfile(document, "shop", ["three", "two"]),
    profiles({ servers: ["three", heavy], standby: ["four"], balance: "client-hash" }),
  );
  assert.deepEqual(
    withMovedProfile(profiles({ servers: ["one"], standby: [heavy] }), "shop", ["two"]),
    profiles({ servers: [heavy], standby: [] }),
  );
  assert.deepEqual(withMovedProfile(profiles({}), "shop", ["one"]), profiles({ servers: ["one"] }));
  assert.equal(withMovedProfile(document, "none", ["one"]), undefined);
});

test("an adopting server takes the place of a server, with its weight and without its ports", () => {
  const adopted = (shop: JsonMap) =>
    withAdoptedServer(profiles(shop), "two", "new").profiles?.["shop"];
  assert.deepEqual(adopted({ servers: ["one", heavy], standby: ["two"] }), {
    servers: ["one", { server: "new", weight: 5 }],
    standby: [],
  });
  assert.deepEqual(adopted({ standby: ["two"] }), { standby: ["new"] });
  assert.deepEqual(adopted({ servers: ["one"] }), { servers: ["one"] });
});

test("the entry of an adopting server stays where it has one, and moves where it was a standby", () => {
  const entry = { server: "new", weight: 0 };
  const adopted = (shop: JsonMap) =>
    withAdoptedServer(profiles(shop), "two", "new").profiles?.["shop"];
  assert.deepEqual(adopted({ servers: [entry, heavy] }), { servers: [entry] });
  assert.deepEqual(adopted({ servers: [heavy], standby: ["one", entry] }), {
    servers: [entry],
    standby: ["one"],
  });
});
