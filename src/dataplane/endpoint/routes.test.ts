import assert from "node:assert/strict";
import { it } from "node:test";
import { vnicNameOf } from "#model/names.ts";
import type { SnapshotEndpoint, SnapshotNameRoute } from "#model/records/snapshot.ts";
import { shardedNames } from "#harness/name-rules.ts";
import { atOnce } from "../live/in-slices.ts";
import { NameTable } from "../tls/name-table.ts";
import { EndpointHealths } from "./endpoint-health.ts";
import type { EndpointSet } from "./endpoint-set.ts";
import { Routes } from "./routes.ts";

const endpoint = (server: string): SnapshotEndpoint => ({
  ...{ kind: "tcp", server, address: `127.0.0.${server}`, port: 80, weight: 1 },
});
const route = (
  profile: string,
  servers: readonly string[],
  standby: readonly string[] = [],
): SnapshotNameRoute => ({
  profile,
  endpoints: servers.map(endpoint),
  standby: standby.map(endpoint),
  balance: "round-robin",
});

function routesWith(healths = new EndpointHealths()): Routes {
  const { names, material } = shardedNames(
    [
      { name: "a.example", route: "api" },
      { name: "*.a.example", route: "api" },
      { name: "b.example", route: "port" },
      { name: "c.example" },
    ],
    {},
    { api: route("api", ["1", "2"], ["3"]), port: route("shop", ["9"]) },
  );
  const table = atOnce(NameTable.build(names, (id) => material[id]));
  const spec = { ...route("shop", ["7", "8"], ["6"]), names, vnic: vnicNameOf("front", "shop") };
  return new Routes(spec, table, healths);
}

const serversOf = (endpoints: EndpointSet): readonly string[] =>
  endpoints.inOrder("client", 0).map((one) => one.endpoint.server);

it("leads each server name to its endpoints, and keeps their state", () => {
  const routes = routesWith();
  for (const name of [undefined, "c.example", "x.example", "x.y.a.example"])
    assert.equal(routes.for(name), routes.ofListener, `${name}`);
  assert.equal(routes.for("a.example"), routes.for("x.a.example"));
  assert.equal(routes.for("a.example"), routes.of("api"));
  assert.deepEqual(serversOf(routes.ofListener).toSorted(), ["7", "8"]);
  assert.deepEqual(serversOf(routes.for("b.example")), ["9"]);
  const turns = Array.from({ length: 4 }, () => serversOf(routes.for("a.example"))[0]);
  assert.deepEqual(turns, ["1", "2", "1", "2"]);
  assert.throws(() => routes.of("of older rules"), /has not arrived/);
});

it("follows the standby of the profile that a route leads to", () => {
  const healths = new EndpointHealths();
  const routes = routesWith(healths);
  const firsts = (): readonly (string | undefined)[] =>
    [routes.ofListener, routes.of("api"), routes.of("port")].map((one) => serversOf(one)[0]);
  healths.setOnStandby(["api"]);
  assert.deepEqual(firsts(), ["7", "3", "9"]);
  assert.deepEqual([routes.of("api").isOnStandby, routes.ofListener.isOnStandby], [true, false]);
  healths.setOnStandby(["shop"]);
  assert.deepEqual([firsts()[0], routes.of("api").isOnStandby], ["6", false]);
});

it("says whose server an endpoint is, and counts it for the vNIC of the listener", () => {
  const healths = new EndpointHealths();
  const [candidate] = routesWith(healths).of("api").inOrder("client", 0);
  assert.equal(candidate?.profile, "api");
  assert.equal(candidate.figures, healths.servers.of(vnicNameOf("front", "shop"), "1"));
  const [own] = routesWith(healths).ofListener.inOrder("client", 0);
  assert.equal(own?.profile, "shop");
});
