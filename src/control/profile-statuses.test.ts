import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDocument } from "#model/document/parse-document.ts";
import { profileStatusesOf } from "./profile-statuses.ts";
import type { StandbyState } from "./health/standby-state.ts";

const listeners = [{ port: 8443, to: 8080, certificates: ["shop"] }];

function statusesOf(profile: object, state?: StandbyState) {
  const { draft } = parseDocument({
    servers: {
      web: { address: "192.0.2.1" },
      drained: { address: "192.0.2.2", admin: "drain" },
    },
    profiles: { shop: { vnics: { front: { ip: "198.51.100.1", listeners } }, ...profile } },
    certificates: { shop: { chain: "shop.pem" } },
  });
  return profileStatusesOf(draft, { stateOf: () => state });
}

const onStandby: StandbyState = {
  ...{ isOnStandby: true, sinceMs: 0, reason: "It is down.", isUp: false, turnedMs: 0 },
  ...{ turnsMs: [], isFlapping: false },
};

test("a profile without a server that may get new connections is served by none", () => {
  const none = (causes: string) => ({
    ...{ name: "shop", servedBy: "none", isFlapping: false },
    reason: `No server of the profile may get new connections (${causes}).`,
  });
  assert.deepEqual(statusesOf({ servers: ["drained"] }), [none("drained has admin drain")]);
  const weightless = { server: "web", weight: 0 };
  assert.deepEqual(statusesOf({ servers: [weightless], standby: ["drained"] }, onStandby), [
    none("web has weight 0, drained has admin drain"),
  ]);
});

test("a profile with one server that may get new connections is served", () => {
  assert.deepEqual(statusesOf({ servers: ["drained", "web"] }), [
    { name: "shop", servedBy: "servers", isFlapping: false },
  ]);
  const [status] = statusesOf({ servers: ["drained"], standby: ["web"] }, onStandby);
  assert.deepEqual([status?.servedBy, status?.reason], ["standby", "It is down."]);
});
