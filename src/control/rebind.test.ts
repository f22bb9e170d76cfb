import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDocument } from "#model/document/parse-document.ts";
import type { MaterialId } from "#model/names.ts";
import { Random } from "#harness/random.ts";
import { certificateOf } from "#harness/sample-sources.ts";
import type { CertificateVersion, Sources } from "./certificates/sources.ts";
import { compileSnapshot, tryRebind, type Compiled } from "./compile-snapshot.ts";
import { HeldKey } from "./certificates/held-key.ts";
import { withPatches } from "./patched-map.ts";
import { warningsInForce, newWarningsOf } from "./warnings-in-force.ts";
import { buildPrepare } from "./workers/difference.ts";
import { refuseTooLarge } from "./workers/rollout.ts";

const COUNT = 300;
const names = Array.from({ length: COUNT }, (_, at) => `site-${at}`);
const { document = assert.fail("document") } = parseDocument({
  servers: { web: { address: "127.0.0.1" } },
  profiles: {
    sites: {
      servers: ["web"],
      vnics: {
        front: {
          ip: "127.0.0.1",
          // The last certificate is not used by the listener.
          listeners: [{ port: 443, to: 80, certificates: names.slice(0, -1) }],
        },
      },
    },
  },
  certificates: Object.fromEntries(names.map((name) => [name, { chain: `/${name}.pem` }])),
});

/** The first three certificates have the same files. */
function versionOf(at: number, version: number): CertificateVersion {
  const name = at < 3 ? "shared" : names[at];
  const id = `${name} ${version}` as MaterialId;
  return { ...certificateOf(`${name}`), id };
}

const inputOf = (sources: Sources, number: number) => ({
  ...{ number, document, sources, workers: 2 },
  connectionsPerWorker: () => 100,
});

const plain = ({ snapshot, material }: Compiled) => ({
  ...snapshot,
  certificates: [...snapshot.certificates.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  material: [...material].toSorted(([a], [b]) => (a < b ? -1 : 1)),
});

const sent = ({ material, ...rest }: ReturnType<typeof buildPrepare>) => ({
  ...rest,
  material: new Map([...material].map(([id, read]) => [id, read()])),
});

test("a renewal is compiled from the state before as the whole state would be", () => {
  const random = new Random(52);
  let sources: Sources = {
    certificates: new Map(names.map((name, at) => [name, versionOf(at, 0)])),
    trusts: new Map(),
  };
  let compiled = compileSnapshot(inputOf(sources, 1));
  for (let number = 2; number < 300; number += 1) {
    const at = random.next() < 0.3 ? Math.floor(random.next() * 3) : random.size(1, COUNT) - 1;
    const name = names[at] ?? assert.fail();
    const renewed = versionOf(at, Math.floor(random.next() * 3));
    const next = {
      ...sources,
      certificates: withPatches(sources.certificates, [[name, renewed]]),
    };
    const whole = compileSnapshot(inputOf(next, number));
    const rebound = tryRebind({ document, sources, compiled }, inputOf(next, number));
    assert.ok(rebound !== undefined);
    assert.deepEqual(plain(rebound), plain(whole));
    assert.equal(rebound.snapshot.listeners, compiled.snapshot.listeners);
    const prepare = buildPrepare(compiled, rebound);
    assert.deepEqual(sent(prepare), sent(buildPrepare(compiled, whole)));
    assert.ok(prepare.certificates.length <= 1);
    refuseTooLarge(rebound, compiled);
    sources = next;
    compiled = rebound;
  }
});

test("a renewal that makes the state too large is refused, and one that makes it smaller is not", () => {
  const version = (name: string, at: number, megabytes: number): CertificateVersion => ({
    ...versionOf(at, megabytes + 10),
    material: {
      kind: "certificate",
      chainPem: "x".repeat(megabytes * 2 ** 20),
      key: HeldKey.clear(name),
    },
  });
  let sources: Sources = {
    certificates: new Map(names.map((name, at) => [name, versionOf(at, 0)])),
    trusts: new Map(),
  };
  let compiled = compileSnapshot(inputOf(sources, 1));
  refuseTooLarge(compiled, undefined);
  const rotate = (at: number, megabytes: number): void => {
    const name = names[at] ?? assert.fail();
    const certificates = withPatches(sources.certificates, [[name, version(name, at, megabytes)]]);
    const next = { ...sources, certificates };
    const rebound = tryRebind({ document, sources, compiled }, inputOf(next, 2));
    assert.ok(rebound !== undefined);
    refuseTooLarge(rebound, compiled);
    [sources, compiled] = [next, rebound];
  };
  rotate(10, 100);
  rotate(11, 80);
  assert.throws(() => rotate(12, 30), /too large/);
  rotate(10, 60);
  rotate(12, 30);
});

test("what is more than a renewal is compiled as a whole", () => {
  const certificates = new Map(names.map((name, at) => [name, versionOf(at, 0)]));
  const sources: Sources = { certificates, trusts: new Map() };
  const before = { document, sources, compiled: compileSnapshot(inputOf(sources, 1)) };
  const isRebound = (next: Partial<Sources>, other = document): boolean =>
    tryRebind(before, { ...inputOf({ ...sources, ...next }, 2), document: other }) !== undefined;
  const without = withPatches(sources.certificates, [["site-1", undefined]]);
  const renewed = withPatches(sources.certificates, [["site-1", versionOf(1, 1)]]);
  assert.equal(isRebound({ certificates: renewed }), true);
  assert.equal(isRebound({ certificates: without }), false);
  assert.equal(isRebound({ certificates: new Map(renewed) }), false);
  assert.equal(isRebound({ trusts: new Map() }), false);
  assert.equal(isRebound({}, { ...document }), false);
});

test("a renewal warns of what it changes for the listeners, and of nothing that was so before", () => {
  const certificates = new Map(names.map((name, at) => [name, versionOf(at, 0)]));
  const stateOf = (sources: Sources["certificates"]) => ({
    ...{ document, absences: new Map<string, never>() },
    sources: { certificates: sources, trusts: TRUSTS },
  });
  const before = stateOf(certificates);
  const withVersion = (version: CertificateVersion) =>
    stateOf(withPatches(certificates, [["site-9", version]]));
  assert.deepEqual(newWarningsOf(before, withVersion(versionOf(9, 1))), []);
  const forClients = { ...versionOf(9, 1), isForServers: false };
  assert.deepEqual(
    newWarningsOf(before, withVersion(forClients)).map(({ code }) => code),
    ["key-usage"],
  );
  assert.ok(warningsInForce(before).length > 0);
});

const TRUSTS: Sources["trusts"] = new Map();
