import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Balance } from "#model/document/profile.ts";
import { vnicNameOf } from "#model/names.ts";
import { checkedKeyOf, type SnapshotEndpoint } from "#model/records/snapshot.ts";
import { EndpointHealths } from "./endpoint-health.ts";
import { EndpointSet } from "./endpoint-set.ts";

const endpoint = (server: string): SnapshotEndpoint => ({
  kind: "tcp",
  server,
  address: `127.0.0.${server}`,
  port: 80,
  weight: 1,
});
const servers = ["1", "2", "3"].map(endpoint);
const vnic = vnicNameOf("front", "shop");
const CHECK = "tcp";
const down = (live: EndpointHealths, ...names: readonly string[]): void =>
  live.setCheckedDown(names.map((server) => checkedKeyOf(CHECK, `127.0.0.${server}:80`)));
const healths = (): EndpointHealths => new EndpointHealths();

function firstChoices(balance: Balance, clients: readonly string[], live = healths()): string[] {
  const set = new EndpointSet(servers, [], balance, live, vnic, CHECK);
  return clients.map((client) => set.inOrder(client, 0)[0]?.endpoint.server ?? "");
}

describe("endpoint set", () => {
  it("rotates with round-robin", () => {
    assert.deepEqual(firstChoices("round-robin", ["a", "a", "a", "a"]), ["1", "2", "3", "1"]);
  });

  it("rotates among the healthy servers, and among the standby servers while the profile is on standby", () => {
    const live = healths();
    const standby = ["8", "9"].map(endpoint);
    const choices = (set: EndpointSet): readonly (string | undefined)[] =>
      Array.from({ length: 4 }, () => set.inOrder("a", 0)[0]?.endpoint.server);
    const set = new EndpointSet(servers, standby, "round-robin", live, vnic, CHECK);
    assert.deepEqual(choices(set), ["1", "2", "3", "1"]);
    down(live, "1");
    assert.deepEqual(choices(set), ["2", "3", "2", "3"]);
    live.setOnStandby(["shop"]);
    assert.deepEqual(choices(set), ["8", "9", "8", "9"]);
    live.setOnStandby(["other"]);
    assert.deepEqual(choices(set), ["2", "3", "2", "3"]);
  });

  it("is not affected by the check of a listener with other settings, or if it has none", () => {
    const live = healths();
    const firstOf = (check?: string): string | undefined => {
      const set = new EndpointSet(servers, [], "round-robin", live, vnic, check);
      return set.inOrder("a", 0)[0]?.endpoint.server;
    };
    down(live, "1");
    assert.deepEqual([firstOf(CHECK), firstOf("http"), firstOf()], ["2", "1", "1"]);
  });

  it("chooses the endpoint with the fewest connections", () => {
    const live = healths();
    live.of("127.0.0.1:80").openConnections = 2;
    live.of("127.0.0.2:80").openConnections = 1;
    assert.deepEqual(firstChoices("least-connections", ["a", "b"], live), ["3", "3"]);
  });

  it("keeps a client on its server, distributes clients evenly, and moves only the clients of a server that is down", () => {
    const clients = Array.from({ length: 300 }, (_, at) => `192.0.2.${at}`);
    const before = firstChoices("client-hash", clients);
    assert.deepEqual(firstChoices("client-hash", clients), before);
    for (const { server } of servers)
      assert.ok(before.filter((choice) => choice === server).length > 50);
    const live = healths();
    down(live, "2");
    firstChoices("client-hash", clients, live).forEach((choice, at) => {
      if (before[at] !== "2") assert.equal(choice, before[at]);
      else assert.notEqual(choice, "2");
    });
  });

  it("gives each server connections in proportion to its weight, and none to one with weight 0", () => {
    const weights = [3, 1, 0];
    const weighted = servers.map((one, at) => ({ ...one, weight: weights[at] ?? 0 }));
    const shares = (balance: Balance, count: number): readonly number[] => {
      const live = healths();
      const set = new EndpointSet(weighted, [], balance, live, vnic);
      const chosen = Array.from({ length: count }, (_, at) => {
        const order = set.inOrder(`192.0.2.${at}`, 0);
        assert.equal(order.length, 2);
        const [first] = order;
        if (first !== undefined) first.health.openConnections += 1;
        return first?.endpoint.server;
      });
      return ["1", "2", "3"].map((name) => chosen.filter((one) => one === name).length);
    };
    assert.deepEqual(shares("round-robin", 8), [6, 2, 0]);
    assert.deepEqual(shares("least-connections", 8), [6, 2, 0]);
    const [heavy = 0, light = 0, none] = shares("client-hash", 4_000);
    assert.ok(heavy > 2_800 && heavy < 3_200, `${heavy}`);
    assert.deepEqual([heavy + light, none], [4_000, 0]);
  });

  it("spreads the turns of a heavy server", () => {
    const weighted = servers.map((one, at) => ({ ...one, weight: at === 0 ? 4 : 1 }));
    const set = new EndpointSet(weighted, [], "round-robin", healths(), vnic);
    const order = Array.from({ length: 6 }, () => set.inOrder("a", 0)[0]?.endpoint.server);
    assert.deepEqual(order, ["1", "1", "2", "1", "3", "1"]);
  });

  it("moves a seventh of the clients when a seventh server is added with client-hash", () => {
    const seven = ["1", "2", "3", "4", "5", "6", "7"].map(endpoint);
    const chosen = (count: number): readonly (string | undefined)[] => {
      const set = new EndpointSet(seven.slice(0, count), [], "client-hash", healths(), vnic);
      return Array.from({ length: 7_000 }, (_, at) => {
        const client = `198.51.${at >> 8}.${at & 255}`;
        return set.inOrder(client, 0)[0]?.endpoint.server;
      });
    };
    const [before, after] = [chosen(6), chosen(7)];
    const moved = after.filter((server, at) => server !== before[at]);
    assert.ok(moved.every((server) => server === "7"));
    assert.ok(moved.length > 850 && moved.length < 1_150, `${moved.length}`);
  });

  it("tries standby servers only on standby, the servers after them, and endpoints that are down last", () => {
    const live = healths();
    const set = new EndpointSet([endpoint("1")], [endpoint("9")], "round-robin", live, vnic);
    const order = (nowMs: number): string[] =>
      set.inOrder("a", nowMs).map((candidate) => candidate.endpoint.server);
    assert.deepEqual(order(0), ["1"]);
    for (let failure = 0; failure < 3; failure += 1) live.of("127.0.0.1:80").failed(0);
    assert.deepEqual(order(0), ["1"]);
    live.setOnStandby(["shop"]);
    assert.deepEqual(order(0), ["9", "1"]);
    for (let failure = 0; failure < 3; failure += 1) live.of("127.0.0.9:80").failed(1_000);
    assert.deepEqual(order(1_000), ["1", "9"]);
  });

  it("doubles the back-off with each failure after the first back-off, until a connect succeeds", () => {
    const health = healths().of("x");
    for (let failure = 0; failure < 30; failure += 1) health.failed(0);
    assert.equal(health.isUp(999), false);
    assert.equal(health.isUp(1_000), true);
    health.failed(1_000);
    assert.equal(health.isUp(2_999), false);
    health.succeeded();
    health.failed(3_000);
    assert.equal(health.isUp(3_000), true);
  });

  it("limits the connects to an endpoint that has stopped answering", () => {
    const health = healths().of("x");
    const isLimited = (): boolean => {
      health.connecting = 15;
      assert.equal(health.mayConnect(), true);
      health.connecting = 16;
      return !health.mayConnect();
    };
    assert.equal(isLimited(), false);
    for (let failure = 0; failure < 3; failure += 1) health.failed(0, false);
    assert.equal(isLimited(), false);
    for (let failure = 0; failure < 3; failure += 1) health.failed(0, true);
    assert.equal(isLimited(), true);
    health.succeeded();
    assert.equal(isLimited(), false);
  });
});
