import assert from "node:assert/strict";
import { test } from "node:test";
import type { CertificateName, ListenerName, MaterialId } from "#model/names.ts";
import { PRESETS } from "#model/document/policy.ts";
import type { Snapshot, SnapshotCertificate, SnapshotListener } from "#model/records/snapshot.ts";
import { egressListener, tcpListener } from "#harness/memory-plane.ts";
import type { Sources } from "../certificates/sources.ts";
import { listenersShownAnew, proofTargetsOf } from "./proof-targets.ts";

const listenerOf = (port: number, ...certificates: readonly string[]): SnapshotListener => ({
  ...tcpListener,
  name: `front.shop:${port}` as ListenerName,
  port,
  certificates: certificates as CertificateName[],
});

const certificateOf = (
  name: string,
  version: number,
  more: Partial<SnapshotCertificate> = {},
): SnapshotCertificate => ({
  name: name as CertificateName,
  material: `${name} ${version}` as MaterialId,
  names: [`${name}.example`],
  keyType: "ecdsa",
  notAfterMs: Infinity,
  keySchemes: [0x0403],
  chainSchemes: [0x0403],
  ...more,
});

const snapshotOf = (
  listeners: readonly SnapshotListener[],
  ...certificates: readonly SnapshotCertificate[]
): Snapshot => ({
  ...{ number: 1, vnics: [], absentIps: [], maxConnections: 1, relayMemoryBytes: 1, listeners },
  certificates: new Map(certificates.map((one) => [one.name, one])),
});

const sourcesOf = ({ certificates }: Snapshot): Sources =>
  ({
    certificates: new Map(
      Array.from(certificates.values(), ({ name, material }) => [
        name,
        { facts: { fingerprint: `print of ${material}`, serialNumber: "AA" } },
      ]),
    ),
    trusts: new Map(),
  }) as unknown as Sources;

const targetsOf = (before: Snapshot | undefined, after: Snapshot) =>
  proofTargetsOf(before, { snapshot: after, material: new Map() }, sourcesOf(after));

const namesOf = (before: Snapshot | undefined, after: Snapshot): readonly string[] =>
  targetsOf(before, after).map(({ certificate, listener }) => `${certificate} on ${listener}`);

const [a1, a2, b1] = [certificateOf("a", 1), certificateOf("a", 2), certificateOf("b", 1)];

test("another version is proved on one listener, and unchanged certificates are not proved", () => {
  const listeners = [listenerOf(1, "b"), listenerOf(2, "a", "b"), listenerOf(3, "a")];
  const [before, after] = [snapshotOf(listeners, a1, b1), snapshotOf(listeners, a2, b1)];
  assert.deepEqual(namesOf(before, after), ["a on front.shop:2"]);
  assert.deepEqual(listenersShownAnew(before, after), ["front.shop:2", "front.shop:3"]);
  assert.deepEqual(namesOf(after, after), []);
});

test("a certificate that a listener did not present before is proved, but none of a new listener", () => {
  const before = snapshotOf([listenerOf(1, "a")], a1, b1);
  assert.deepEqual(namesOf(before, snapshotOf([listenerOf(1, "b")], a1, b1)), [
    "b on front.shop:1",
  ]);
  const withNew = snapshotOf([listenerOf(1, "a"), listenerOf(2, "b")], a1, b1);
  assert.deepEqual(namesOf(before, withNew), []);
  assert.deepEqual(namesOf(undefined, before), []);
});

test("a certificate for endpoints is not proved", () => {
  const endpointTls = {
    verify: false,
    serverName: undefined,
    trust: undefined,
    certificate: a1.name,
  };
  const listeners = [{ ...egressListener, endpointTls }];
  assert.deepEqual(namesOf(snapshotOf(listeners, a1), snapshotOf(listeners, a2)), []);
});

test("a client offers what selects the certificate: name, version, curve and signature algorithms", () => {
  const offerOf = (certificate: SnapshotCertificate, more: object = {}, ...others: string[]) => {
    const listener = { ...listenerOf(1, ...others, certificate.name), ...more } as SnapshotListener;
    const all = [certificateOf("b", 1), certificate];
    const old = { ...certificate, material: "old" as MaterialId };
    const [target] = targetsOf(snapshotOf([listener], ...all, old), snapshotOf([listener], ...all));
    assert.ok(target !== undefined);
    return target.offer;
  };
  const p521 = offerOf(certificateOf("a", 2, { keySchemes: [0x0603], names: ["*.a.example"] }));
  assert.equal(p521.serverName, "tlsd-proof.a.example");
  assert.deepEqual(p521.signatureAlgorithms, ["ecdsa_secp521r1_sha512"]);
  assert.deepEqual(p521.groups, [...PRESETS.modern.groups, "P-521"]);
  assert.equal(p521.version, "TLSv1.3");
  const policy = { ...PRESETS.intermediate, maxVersion: "TLSv1.2" };
  const rsa = offerOf(certificateOf("a", 2, { keyType: "rsa", keySchemes: [0x0804] }), { policy });
  assert.equal(rsa.version, "TLSv1.2");
  assert.ok(rsa.signatureAlgorithms.includes("rsa_pkcs1_sha256"));
  const shared = certificateOf("a", 2, { names: ["b.example", "a.example"] });
  assert.equal(offerOf(shared, {}, "b").serverName, "a.example");
  assert.equal(offerOf(certificateOf("a", 2, { names: ["192.0.2.1"] })).serverName, undefined);
});
