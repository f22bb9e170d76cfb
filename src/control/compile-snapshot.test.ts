import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { Document } from "#model/document/document.ts";
import type { MaterialId } from "#model/names.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import type { SnapshotListener } from "#model/records/snapshot.ts";
import { testReading } from "#harness/material-reader.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { createTestCa, type TestCa } from "#harness/test-ca.ts";
import { loadSources } from "./certificates/load-sources.ts";
import { SYSTEM_TRUST_KEY, type Sources } from "./certificates/sources.ts";
import { compileSnapshot, type Compiled } from "./compile-snapshot.ts";

function documentWith(listeners: readonly object[], front: object = {}): Document {
  const clientAuth = { mode: "require", ca: "ca.pem", crl: "ca.crl" };
  const { document, problems } = parseDocument({
    servers: {
      "web-1": { address: "192.0.2.1" },
      "web-2": { address: "2001:0DB8::2" },
      "web-3": { address: "::ffff:192.0.2.3" },
    },
    profiles: {
      shop: {
        servers: ["web-1", "web-3"],
        standby: ["web-2"],
        balance: "client-hash",
        vnics: { front: { ip: "2001:DB8:0::1", listeners, ...front } },
      },
    },
    certificates: {
      shop: { chain: "shop.pem", key: "shop.key" },
      other: { chain: "other.pem", key: "other.key" },
    },
    policies: { partners: { base: "modern", clientAuth }, open: { base: "modern" } },
  });
  assert.ok(document, JSON.stringify(problems));
  return document;
}

const TCP = { port: 443, to: 8080, certificates: ["shop"] };

describe("compileSnapshot", () => {
  let ca: TestCa;
  let folder: string;
  let sources: Sources;

  before(async () => {
    folder = await makeTempFolder();
    ca = await createTestCa();
    await (await ca.issue({ names: ["shop.example"] })).writeTo(folder, "shop");
    await (await ca.issue({ names: ["other.example"] })).writeTo(folder, "other");
    await writeFiles(folder, {
      "ca.pem": ca.certificatePem,
      "ca.crl": await ca.revocationList([]),
    });
    sources = await load();
  });

  async function load(): Promise<Sources> {
    const endpointTls = { ca: "ca.pem" };
    const loaded = await loadSources(
      documentWith([{ ...TCP, endpointTls }]),
      folder,
      testReading(),
    );
    assert.deepEqual(loaded.problems, []);
    const { certificates, trusts } = loaded.sources;
    const [trust] = trusts.values();
    assert.ok(trust);
    // Stands for the system's own, which a machine may lack.
    const systemTrust = { ...trust, id: "of the system" as MaterialId };
    return { certificates, trusts: new Map([...trusts, [SYSTEM_TRUST_KEY, systemTrust]]) };
  }

  const compile = (document: Document, more: { sources?: Sources } = {}): Compiled =>
    compileSnapshot({
      number: 7,
      document,
      sources,
      workers: 2,
      connectionsPerWorker: () => 500,
      ...more,
    });

  function compiledOf(listener: object, more: { sources?: Sources } = {}): SnapshotListener {
    const [compiled] = compile(documentWith([listener]), more).snapshot.listeners;
    assert.ok(compiled);
    return compiled;
  }

  function listenerOf(listener: object, more: { sources?: Sources } = {}) {
    const compiled = compiledOf(listener, more);
    assert.ok(compiled.mode === "tcp");
    return compiled;
  }

  function egressOf(listener: object) {
    const compiled = compiledOf({ port: 900, mode: "egress", to: "pay.example:443", ...listener });
    assert.ok(compiled.mode === "egress");
    return compiled;
  }

  it("resolves a tcp listener to what a worker needs", () => {
    const listener = listenerOf({
      ...TCP,
      endpointTls: { ca: "ca.pem", certificate: "other" },
      timeouts: { idle: "1m" },
    });
    assert.equal(listener.name, "front.shop:443");
    assert.equal(listener.virtualIp, "2001:db8::1");
    assert.equal(listener.policy.name, "intermediate");
    assert.deepEqual(listener.endpoints, [
      { kind: "tcp", server: "web-1", address: "192.0.2.1", port: 8080, weight: 1 },
      { kind: "tcp", server: "web-3", address: "192.0.2.3", port: 8080, weight: 1 },
    ]);
    assert.deepEqual(listener.standby, [
      { kind: "tcp", server: "web-2", address: "2001:db8::2", port: 8080, weight: 1 },
    ]);
    assert.equal(listener.balance, "client-hash");
    assert.deepEqual(listener.timeouts, {
      handshakeMs: 10_000,
      connectMs: 5_000,
      idleMs: 60_000,
      halfClosedMs: 30_000,
    });
    assert.deepEqual(listener.endpointTls, {
      verify: true,
      serverName: undefined,
      trust: sources.trusts.get("ca.pem")?.id,
      certificate: "other",
    });
  });

  it("contains only the material to which a listener refers", () => {
    const { material, snapshot } = compile(documentWith([{ ...TCP, policy: "partners" }]));
    const shop = sources.certificates.get("shop");
    const trust = sources.trusts.get("ca.pem\nca.crl");
    assert.ok(shop && trust);
    assert.deepEqual(new Set(material.keys()), new Set([shop.id, trust.id]));
    assert.equal(material.get(shop.id), shop.material);
    const [listener] = snapshot.listeners;
    assert.ok(listener?.mode === "tcp");
    assert.deepEqual(listener.clientAuth, {
      mode: "require",
      trust: trust.id,
      partialChain: false,
    });
    assert.doesNotMatch(JSON.stringify([snapshot, ...snapshot.certificates]), /PRIVATE KEY/);
  });

  it("resolves an egress listener to its remote host, and allows the servers of the profile", () => {
    const listener = egressOf({ allowFrom: ["10.0.0.0/8"] });
    assert.deepEqual(listener.endpoints, [
      { kind: "remote", server: "pay.example", host: "pay.example", port: 443 },
    ]);
    assert.deepEqual(listener.allowFrom, [
      "10.0.0.0/8",
      "192.0.2.1/32",
      "192.0.2.3/32",
      "2001:db8::2/128",
    ]);
    assert.deepEqual(listener.endpointTls, {
      verify: true,
      serverName: "pay.example",
      trust: "of the system",
      certificate: undefined,
    });
    const unverified = { ...TCP, endpointTls: { verify: false } };
    assert.equal(listenerOf(unverified).endpointTls?.trust, undefined);
    assert.equal(
      egressOf({ endpointTls: { serverName: "x.example" } }).endpointTls?.serverName,
      "x.example",
    );
  });

  it("resolves redirects and unix endpoints", () => {
    for (const [to, httpsPort] of [[{}, 443] as const, [{ to: 8443 }, 8443] as const]) {
      const listener = compiledOf({ port: 80, mode: "redirect", ...to });
      assert.ok(listener.mode === "redirect");
      assert.equal(listener.httpsPort, httpsPort);
    }
    const { endpoints, standby } = listenerOf({ ...TCP, to: "unix:/run/app.sock" });
    assert.deepEqual(
      [endpoints, standby],
      [[{ kind: "unix", server: "web-1", path: "/run/app.sock" }], []],
    );
  });

  it("gives a listener only what its mode uses", () => {
    const keysOf = (listener: SnapshotListener): readonly string[] => Object.keys(listener);
    const redirect = keysOf(compiledOf({ port: 80, mode: "redirect" }));
    const egress = keysOf(egressOf({}));
    const tls = ["policy", "sessionScope"];
    const clientTls = ["certificates", "clientAuth", "strictServerName"];
    const endpoints = ["endpoints", "standby", "endpointTls", "balance"];
    for (const key of [...tls, ...clientTls, ...endpoints]) assert.ok(!redirect.includes(key), key);
    for (const key of clientTls) assert.ok(!egress.includes(key), key);
    for (const key of [...tls, ...endpoints]) assert.ok(egress.includes(key), key);
  });

  it("divides the limits of a vNIC among the workers, at least 1 for each", () => {
    const qos = { maxConnections: 1, handshakesPerSecond: 7, handshakesPerSecondPerAddress: 5 };
    const { vnics, maxConnections } = compile(documentWith([TCP], { qos })).snapshot;
    assert.deepEqual(vnics, [
      {
        name: "front.shop",
        maxConnections: 1,
        handshakesPerSecond: 3,
        handshakesPerSecondPerAddress: 5,
      },
    ]);
    assert.equal(maxConnections, 500);
  });

  it("opens no listener of a vNIC that is down", () => {
    const { snapshot, material } = compile(documentWith([TCP], { admin: "down" }));
    assert.deepEqual(snapshot.listeners, []);
    assert.equal(material.size, 0);
    assert.equal(snapshot.vnics.length, 1);
  });

  it("changes the session scope only with the listener, policy, CA, CRL or trust anchors", async () => {
    const strict = { ...TCP, policy: "partners" };
    const scope = listenerOf(strict).sessionScope;
    const document = documentWith([strict]);
    const { partners } = document.policies;
    assert.ok(partners);
    const clientAuth = { ...partners.clientAuth, partialChain: true };
    const policies = { ...document.policies, partners: { ...partners, clientAuth } };
    const [anchored] = compile({ ...document, policies }).snapshot.listeners;
    assert.ok(anchored?.mode === "tcp");
    assert.equal(anchored.clientAuth.partialChain, true);
    assert.equal(listenerOf({ ...strict, certificates: ["other"], to: 81 }).sessionScope, scope);
    await writeFiles(folder, { "ca.crl": await ca.revocationList(["4f01"]) });
    const others = [
      listenerOf({ ...strict, port: 444 }),
      listenerOf({ ...strict, policy: "open" }),
      listenerOf(strict, { sources: await load() }),
      anchored,
    ].map(({ sessionScope }) => sessionScope);
    assert.equal(new Set([scope, ...others]).size, 5);
  });

  it("leaves out a certificate that cannot be used, and a listener that needs it", () => {
    const shop = sources.certificates.get("shop");
    assert.ok(shop);
    const few: Sources = { certificates: new Map([["shop", shop]]), trusts: new Map() };
    const egress = { port: 5, mode: "egress", to: "pay.example:443" };
    const document = documentWith([
      { ...TCP, certificates: ["other", "shop"] },
      { port: 2, to: 80, certificates: ["other"] },
      { ...TCP, port: 3, policy: "partners" },
      { ...TCP, port: 4, endpointTls: { ca: "ca.pem" } },
      egress,
      { ...TCP, port: 6, endpointTls: { verify: false, certificate: "other" } },
      { port: 7, mode: "redirect" },
    ]);
    const { listeners, certificates } = compile(document, { sources: few }).snapshot;
    assert.deepEqual(
      listeners.map(({ port }) => port),
      [443, 7],
    );
    assert.deepEqual([...certificates.keys()], ["shop"]);
  });
});
