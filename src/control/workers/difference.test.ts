import assert from "node:assert/strict";
import { test } from "node:test";
import { listenerNameOf, vnicNameOf, type MaterialId } from "#model/names.ts";
import { materialIdsOf } from "#model/records/mode-records.ts";
import type { Material, SnapshotListener } from "#model/records/snapshot.ts";
import type { Compiled } from "#control/compile-snapshot.ts";
import { emptyCompiled } from "#harness/fake-pool.ts";
import { buildPrepare, buildTrial } from "./difference.ts";

const idOf = (name: string): MaterialId => name as MaterialId;
const pairOf = (name: string): Material => ({ kind: "certificate", chainPem: name, keyPem: name });

const listener = (port: number, material: string): SnapshotListener =>
  ({
    name: listenerNameOf(vnicNameOf("front", "shop"), port),
    virtualIp: "127.0.0.1",
    port,
    mode: "tcp",
    certificates: [{ name: "shop", material: idOf(material) }],
    clientAuth: { mode: "none", trust: undefined, partialChain: false },
    endpointTls: undefined,
  }) as unknown as SnapshotListener;

const compiled = (number: number, ...listeners: SnapshotListener[]): Compiled => {
  const ids = [...materialIdsOf(listeners)];
  return {
    snapshot: { ...emptyCompiled(number).snapshot, listeners },
    material: new Map(ids.map((id) => [id, pairOf(id)])),
  };
};

test("from nothing, everything is sent", () => {
  const change = buildPrepare(undefined, compiled(1, listener(1, "a"), listener(2, "a")));
  assert.deepEqual([change.number, change.base], [1, 0]);
  assert.deepEqual(
    change.listeners.map(({ port }) => port),
    [1, 2],
  );
  assert.deepEqual(change.material, { a: pairOf("a") });
});

test("a difference to a base has only the parts that differ, and the material to which the base does not refer", () => {
  const base = compiled(1, listener(1, "a"), listener(2, "b"), listener(3, "b"));
  const target = compiled(2, listener(1, "a"), listener(2, "c"), listener(4, "a"));
  const change = buildPrepare(base.snapshot, target);
  assert.deepEqual([change.number, change.base], [2, 1]);
  assert.deepEqual(
    change.listeners.map(({ port }) => port),
    [2, 4],
  );
  assert.deepEqual(change.removed, ["front.shop:3"]);
  assert.deepEqual(Object.keys(change.material), ["c"]);
});

test("a certificate that comes back after it was gone is sent again", () => {
  const base = compiled(2, listener(1, "b"));
  assert.deepEqual(
    Object.keys(buildPrepare(base.snapshot, compiled(3, listener(1, "a"))).material),
    ["a"],
  );
});

test("a snapshot that lacks material is a mistake of the director", () => {
  const target = { ...compiled(1, listener(1, "a")), material: new Map() };
  assert.throws(() => buildPrepare(undefined, target), TypeError);
});

test("a probe tries what differs, from nothing, and opens only addresses that nobody serves", () => {
  const base = compiled(1, listener(1, "a"), listener(2, "b"));
  const target = compiled(2, listener(1, "c"), listener(2, "b"), listener(3, "a"));
  const trial = buildTrial(base.snapshot, target, true);
  assert.deepEqual([trial.number, trial.base], [2, 0]);
  assert.deepEqual(
    trial.listeners.map(({ port }) => port),
    [1, 3],
  );
  assert.deepEqual(Object.keys(trial.material).toSorted(), ["a", "c"]);
  assert.deepEqual(trial.opensOnly, ["front.shop:3"]);
  assert.deepEqual(buildTrial(base.snapshot, target, false).opensOnly, []);
  assert.deepEqual(buildTrial(undefined, target, true).opensOnly?.length, 3);
});
