import assert from "node:assert/strict";
import { test } from "node:test";
import { listenerNameOf, vnicNameOf, type CertificateName, type MaterialId } from "#model/names.ts";
import type { Material, SnapshotCertificate, SnapshotListener } from "#model/records/snapshot.ts";
import type { Compiled } from "#control/compile-snapshot.ts";
import { emptyCompiled } from "#harness/fake-pool.ts";
import type { UnsentPrepare } from "#protocol/messages.ts";
import { HeldKey } from "#control/certificates/held-key.ts";
import type { HeldMaterial } from "#control/certificates/sources.ts";
import { buildPrepare, buildTrial } from "./difference.ts";

const pairOf = (id: string): Material => ({ kind: "certificate", chainPem: id, keyPem: id });
const heldOf = (id: string): HeldMaterial => ({
  ...{ kind: "certificate", chainPem: id },
  key: HeldKey.clear(id),
});
const sentIn = ({ material }: UnsentPrepare) =>
  Object.fromEntries([...material].map(([id, read]) => [id, read()]));

/** A listener on a port, with certificates of these names. */
const listener = (port: number, ...certificates: string[]): SnapshotListener =>
  ({
    name: listenerNameOf(vnicNameOf("front", "shop"), port),
    virtualIp: "127.0.0.1",
    port,
    mode: "tcp",
    certificates,
    clientAuth: { mode: "none", trust: undefined, partialChain: false },
    endpointTls: undefined,
  }) as unknown as SnapshotListener;

/** `versions` has the id of the material of each certificate name. */
function compiled(
  number: number,
  versions: Readonly<Record<string, string>>,
  ...listeners: SnapshotListener[]
): Compiled {
  const certificates = Object.entries(versions).map(
    ([name, material]) => ({ name, material }) as unknown as SnapshotCertificate,
  );
  return {
    snapshot: {
      ...emptyCompiled(number).snapshot,
      listeners,
      certificates: new Map(certificates.map((one) => [one.name, one])),
    },
    material: new Map(
      Object.values(versions).map((id): [MaterialId, HeldMaterial] => [
        id as MaterialId,
        heldOf(id),
      ]),
    ),
  };
}

const portsOf = ({ listeners }: { readonly listeners: readonly SnapshotListener[] }) =>
  listeners.map(({ port }) => port);
const namesOf = (certificates: readonly SnapshotCertificate[]): readonly CertificateName[] =>
  certificates.map(({ name }) => name);

test("from nothing, everything is sent", () => {
  const target = compiled(1, { shop: "a" }, listener(1, "shop"), listener(2, "shop"));
  const change = buildPrepare(undefined, target);
  assert.deepEqual([change.number, change.base], [1, 0]);
  assert.deepEqual(portsOf(change), [1, 2]);
  assert.deepEqual(namesOf(change.certificates), ["shop"]);
  assert.deepEqual(sentIn(change), { a: pairOf("a") });
});

test("a difference to a base has only the parts that differ, and the material to which the base does not refer", () => {
  const base = compiled(1, { shop: "a" }, listener(1, "shop"), listener(2, "shop"), listener(3));
  const versions = { shop: "a", pay: "a", new: "b" };
  const target = compiled(2, versions, listener(1, "shop"), listener(2, "pay"), listener(4, "new"));
  const change = buildPrepare(base, target);
  assert.deepEqual([change.number, change.base], [2, 1]);
  assert.deepEqual(portsOf(change), [2, 4]);
  assert.deepEqual(change.removed, ["front.shop:3"]);
  assert.deepEqual(namesOf(change.certificates), ["pay", "new"]);
  assert.deepEqual([...change.material.keys()], ["b"]);
});

test("a rotation sends one certificate, its material and no listener", () => {
  const listeners = [listener(1, "shop", "pay"), listener(2, "pay")];
  const base = compiled(1, { shop: "a", pay: "b" }, ...listeners);
  const target = compiled(2, { shop: "a", pay: "c" }, ...listeners);
  const change = buildPrepare(base, target);
  assert.deepEqual(portsOf(change), []);
  assert.deepEqual(namesOf(change.certificates), ["pay"]);
  assert.deepEqual([...change.material.keys()], ["c"]);
});

test("a certificate that no longer has a version is removed", () => {
  const base = compiled(1, { shop: "a", pay: "b" }, listener(1, "shop", "pay"));
  const change = buildPrepare(base, compiled(2, { shop: "a" }, listener(1, "shop", "pay")));
  assert.deepEqual(change.removedCertificates, ["pay"]);
  assert.deepEqual([change.certificates, change.listeners, change.material.size], [[], [], 0]);
});

test("a certificate that comes back after it was gone is sent again", () => {
  const base = compiled(2, { shop: "b" }, listener(1, "shop"));
  const target = compiled(3, { shop: "a" }, listener(1, "shop"));
  assert.deepEqual([...buildPrepare(base, target).material.keys()], ["a"]);
});

test("a snapshot that lacks material is a mistake of the director", () => {
  const target = { ...compiled(1, { shop: "a" }, listener(1, "shop")), material: new Map() };
  assert.throws(() => buildPrepare(undefined, target), TypeError);
});

test("a probe tries what differs, from nothing, and opens only addresses that nobody serves", () => {
  const base = compiled(1, { a: "a", b: "b" }, listener(1, "a"), listener(2, "b"));
  const listeners = [listener(1, "c"), listener(2, "b"), listener(3, "a")];
  const target = compiled(2, { a: "a", b: "b", c: "c" }, ...listeners);
  const trial = buildTrial(base, target, true);
  assert.deepEqual([trial.number, trial.base], [2, 0]);
  assert.deepEqual(portsOf(trial), [1, 3]);
  assert.deepEqual([...trial.material.keys()].toSorted(), ["a", "c"]);
  assert.deepEqual(trial.opensOnly, ["front.shop:3"]);
  assert.deepEqual(buildTrial(base, target, false).opensOnly, []);
  assert.deepEqual(buildTrial(undefined, target, true).opensOnly?.length, 3);
});

test("a probe of a rotation has the listeners that use the certificate, with only this one", () => {
  const listeners = [listener(1, "shop", "pay"), listener(2, "shop")];
  const base = compiled(1, { shop: "a", pay: "b" }, ...listeners);
  const trial = buildTrial(base, compiled(2, { shop: "a", pay: "c" }, ...listeners), true);
  assert.deepEqual(portsOf(trial), [1]);
  assert.deepEqual(namesOf(trial.certificates), ["pay"]);
  assert.deepEqual([[...trial.material.keys()], trial.opensOnly], [["c"], []]);
});
