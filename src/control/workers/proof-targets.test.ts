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

const anew = (certificate: SnapshotCertificate): SnapshotCertificate => ({
  ...certificate,
  material: `${certificate.name} anew` as MaterialId,
});

test("a client offers what selects the certificate: name, version, curve and signature algorithms", () => {
  const offerOf = (certificate: SnapshotCertificate, more: object = {}, ...others: string[]) => {
    const listener = { ...listenerOf(1, ...others, certificate.name), ...more } as SnapshotListener;
    const all = [certificateOf("b", 1), certificate];
    const old = { ...certificate, material: "old" as MaterialId };
    const [target] = targetsOf(snapshotOf([listener], ...all, old), snapshotOf([listener], ...all));
    assert.ok(target !== undefined);
    return target.offerOf();
  };
  const p521 = offerOf(certificateOf("a", 2, { keySchemes: [0x0603], names: ["*.a.example"] }));
  assert.equal(p521.serverName, "tlsd-proof.a.example");
  assert.deepEqual(p521.signatureAlgorithms, ["ecdsa_secp521r1_sha512", "ecdsa_secp256r1_sha256"]);
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

test("a client asks for a name that no other of thousands of certificates covers", () => {
  const others = Array.from({ length: 1_000 }, (_, at) =>
    certificateOf(`c${at}`, 1, { names: [`n${at}.example`] }),
  );
  const changed = certificateOf("a", 1, { names: ["n999.example", "n5.example", "own.example"] });
  const listener = listenerOf(1, ...others.map(({ name }) => name), "a");
  const [target] = targetsOf(
    snapshotOf([listener], ...others, changed),
    snapshotOf([listener], ...others, anew(changed)),
  );
  assert.equal(target?.offerOf().serverName, "own.example");
});

test("a client asks for no name that it cannot send, or for which another certificate is the default", () => {
  const long = `*.${"a23456789.".repeat(24)}example`;
  const asked: readonly (readonly [names: readonly string[], asked: string | undefined])[] = [
    [["*.example", "192.0.2.1", "1.2.3", "a.0x1"], undefined],
    [["*.a_b.example", "a_b.example"], "a_b.example"],
    [["*.example", "*.b.example"], "tlsd-proof.b.example"],
    [["localhost"], "localhost"],
    [[long], `t${long.slice(1)}`],
  ];
  for (const [names, serverName] of asked) {
    const one = certificateOf("a", 1, { names });
    for (const strictServerName of [false, true]) {
      const listeners = [{ ...listenerOf(1, "a"), strictServerName }];
      const targets = targetsOf(snapshotOf(listeners, one), snapshotOf(listeners, anew(one)));
      // A strict listener shows the certificate to nobody if clients cannot ask for it.
      const isShown = serverName !== undefined || !strictServerName;
      assert.deepEqual(
        targets.map((target) => target.offerOf().serverName),
        isShown ? [serverName] : [],
      );
    }
  }
});

test("a client can verify the chain, unless another type of key comes first then", () => {
  const algorithms = (more: Partial<SnapshotCertificate>): readonly string[] => {
    const one = certificateOf("a", 1, more);
    const listeners = [listenerOf(1, "a")];
    const [target] = targetsOf(snapshotOf(listeners, one), snapshotOf(listeners, anew(one)));
    return target?.offerOf().signatureAlgorithms ?? [];
  };
  const chainSchemes = [0x0503, 0x0401];
  assert.deepEqual(algorithms({ chainSchemes }), [
    "ecdsa_secp256r1_sha256",
    "ecdsa_secp384r1_sha384",
    "rsa_pkcs1_sha256",
  ]);
  const rsa = { keyType: "rsa", keySchemes: [0x0804], chainSchemes } as const;
  assert.deepEqual(algorithms(rsa), ["rsa_pss_rsae_sha256", "rsa_pkcs1_sha256"]);
});

test("only another certificate that covers the name comes first", () => {
  const changed = certificateOf("a", 1, { names: ["a.b.example"] });
  const others = [
    certificateOf("same", 1, { names: ["a.b.example"] }),
    certificateOf("wild", 1, { names: ["*.b.example"] }),
    certificateOf("else", 1, { names: ["c.b.example"] }),
  ];
  const listeners = [listenerOf(1, "same", "wild", "else", "a")];
  const after = snapshotOf(listeners, ...others, anew(changed));
  const [target] = targetsOf(snapshotOf(listeners, ...others, changed), after);
  const by = (name: string, serverName?: string) =>
    target?.tryOther(`print of ${name} 1`, serverName);
  assert.deepEqual(
    ["same", "wild", "else", "a"].map((name) => by(name, "a.b.example")),
    ["same", "wild", undefined, undefined],
  );
  assert.equal(by("else"), "else");
});
