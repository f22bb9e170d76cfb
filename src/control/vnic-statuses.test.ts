import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDocument } from "#model/document/parse-document.ts";
import { vnicNameOf, type MaterialId, type VnicName } from "#model/names.ts";
import type { ServerTotal } from "#control/telemetry/server-totals.ts";
import { SYSTEM_TRUST_KEY } from "./certificates/sources.ts";
import { compileSnapshot } from "./compile-snapshot.ts";
import { vnicStatusesOf, type VnicParts } from "./vnic-statuses.ts";

const HOST = "pay.example";
const NAMES = ["a", "b", "c"];
const nameOf = (vnic: string): VnicName => vnicNameOf(vnic, "shop");

const vnics = Object.fromEntries(
  NAMES.map((name, at) => [
    name,
    { ip: `127.0.1.${at + 1}`, listeners: [{ port: 443, mode: "egress", to: `${HOST}:443` }] },
  ]),
);
const document = parseDocument({
  servers: { web: { address: "127.0.0.1" } },
  profiles: { shop: { servers: ["web"], vnics } },
}).draft;
const trust = {
  id: "system" as MaterialId,
  material: { kind: "trust", caPem: "", crlPem: undefined },
  validity: { authorities: [], lists: [] },
} as const;
const sources = { certificates: new Map(), trusts: new Map([[SYSTEM_TRUST_KEY, trust]]) };
const { snapshot } = compileSnapshot({
  ...{ number: 1, document, sources, workers: 1, connectionsPerWorker: () => 1 },
});

const totalOf = (vnic: string, failuresInARow: number): ServerTotal => ({
  ...{ vnic: nameOf(vnic), server: HOST, openConnections: 0, connects: 1 },
  ...{ failures: failuresInARow, failuresInARow, lastFailure: undefined },
});

/** Every attempt of vNIC b to connect fails. Counts how often the totals of a server are read. */
function partsOf(isDown: VnicParts["isDown"] = () => false) {
  const reads: string[] = [];
  const parts: VnicParts = {
    inForce: { document, sources, entries: { certificates: new Map(), trusts: new Map() } },
    compiled: snapshot.listeners,
    isDown,
    isServed: true,
    figures: {
      openConnections: () => 0,
      ratesOf: () => ({ connections: 0, handshakes: 0, bytesFromClients: 0, bytesToClients: 0 }),
      serverTotals: (server) => {
        reads.push(server);
        return [totalOf("a", 0), totalOf("b", 100), totalOf("c", 0)];
      },
    },
  };
  return { parts, reads };
}

test("endpoints are up by vNIC, and the totals of a server are read once for all vNICs", () => {
  const { parts, reads } = partsOf();
  const statuses = vnicStatusesOf(parts, () => true);
  assert.deepEqual(
    statuses.map(({ name, oper, endpointsUp, endpoints }) => [name, oper, endpointsUp, endpoints]),
    [
      [nameOf("a"), "up", 1, 1],
      [nameOf("b"), "up", 0, 1],
      [nameOf("c"), "up", 1, 1],
    ],
  );
  assert.deepEqual(reads, [HOST]);
});

test("only what is wanted is computed", () => {
  const { parts } = partsOf();
  const statuses = vnicStatusesOf(parts, (vnic) => vnic === nameOf("b"));
  assert.deepEqual(
    statuses.map(({ name }) => name),
    [nameOf("b")],
  );
});

test("a vNIC is down if checks find all of its endpoints down", () => {
  const { parts } = partsOf((_listener, endpoint) => endpoint === `${HOST}:443`);
  const [first] = vnicStatusesOf(parts, (vnic) => vnic === nameOf("a"));
  assert.deepEqual([first?.oper, first?.endpointsUp, first?.endpoints], ["down", 0, 1]);
});

test("an endpoint that may get no new connections is not up, and a vNIC that has only such ones is down and says why", () => {
  const listener = snapshot.listeners.find(({ vnic }) => vnic === nameOf("a"));
  assert.ok(listener?.mode === "egress");
  const listeners = [
    { port: 443, to: 8080, certificates: ["shop"] },
    { port: 80, mode: "redirect" },
  ];
  const withServers = (weights: Readonly<Record<string, number>>) => {
    const entries = Object.entries(weights);
    const inForce = {
      ...partsOf().parts.inForce,
      document: parseDocument({
        servers: Object.fromEntries(entries.map(([name]) => [name, { address: "127.0.0.1" }])),
        profiles: {
          shop: {
            servers: entries.map(([server, weight]) => ({ server, weight })),
            vnics: { a: { ip: "127.0.1.1", listeners } },
          },
        },
      }).draft,
    };
    const endpoints = entries.map(([server, weight], at) => ({
      ...{ kind: "tcp" as const, server, address: `127.0.2.${at + 1}`, port: 8080, weight },
    }));
    const parts = { ...partsOf().parts, inForce, compiled: [{ ...listener, endpoints }] };
    const [status] = vnicStatusesOf(parts, () => true);
    return [status?.oper, status?.reason, status?.endpointsUp, status?.endpoints];
  };
  assert.deepEqual(withServers({ one: 0, two: 1 }), ["up", undefined, 1, 2]);
  assert.deepEqual(withServers({ one: 0 }), [
    "down",
    "No server of the profile may get new connections (one has weight 0).",
    0,
    1,
  ]);
});
