import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { listenersOf } from "#model/document/document-listeners.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import { routesOf, sessionScopesOf, sharedIdsOf } from "#model/records/mode-records.ts";
import type { SnapshotListener, SnapshotNames } from "#model/records/snapshot.ts";
import { sourcesFor } from "#harness/sample-sources.ts";
import { certificateUsesOf } from "./certificate-uses.ts";
import { checkUsage, unfitPolicies } from "./certificates/check-usage.ts";
import type { Sources } from "./certificates/sources.ts";
import { entriesOf } from "./compile-names.ts";
import { compileSnapshot } from "./compile-snapshot.ts";
import { controlModeOf } from "./control-mode.ts";
import { settingsByListener } from "./health/check-settings.ts";
import { coverageOf } from "./health/profile-need.ts";
import { Standby } from "./health/standby.ts";
import { materialOfListener, obstacleTo } from "./listener-material.ts";
import { namesStatusOf } from "./names-status.ts";
import { serverPairsOf } from "./server-statuses.ts";

const PLACE = "profiles.shop.vnics.front.listeners[0]";
const LISTENER = { port: 443, to: 8080, certificates: ["shop", "other"], policy: "open" };

function made(names: object, listener: object = {}, api: object = {}) {
  const { document, problems } = parseDocument({
    servers: {
      "web-1": { address: "192.0.2.1" },
      "api-1": { address: "192.0.2.3" },
      "api-2": { address: "192.0.2.4" },
    },
    profiles: {
      shop: {
        servers: ["web-1"],
        vnics: { front: { ip: "198.51.100.1", listeners: [{ ...LISTENER, ...listener, names }] } },
      },
      api: {
        servers: [{ server: "api-1", ports: { 8081: 18_081 } }],
        balance: "client-hash",
        ...api,
      },
    },
    certificates: Object.fromEntries(
      ["shop", "other", "own"].map((name) => [name, { chain: `${name}.pem` }]),
    ),
    policies: {
      open: {},
      partners: { alpn: ["h2"], clientAuth: { mode: "require", ca: "ca.pem", crl: "ca.crl" } },
      rsa: { maxVersion: "TLSv1.2", cipherSuites: ["ECDHE-RSA-AES128-GCM-SHA256"] },
    },
  });
  assert.ok(document, JSON.stringify(problems));
  const sources = sourcesFor(document, () => false);
  const compile = (given: Sources = sources) =>
    compileSnapshot({
      ...{ number: 1, document, sources: given, workers: 1 },
      connectionsPerWorker: () => 1,
    });
  return { document, sources, compile };
}

function namedOf(listener: SnapshotListener | undefined): SnapshotNames {
  assert.ok(listener !== undefined && "names" in listener && listener.names !== undefined);
  return listener.names;
}

const NAMES = {
  "Own.Example.": { certificates: ["own"] },
  "same.example": { certificates: ["shop", "other"], policy: "open", to: 8080 },
  "turned.example": { certificates: ["other", "shop"] },
  "safe.example": { policy: "partners", profile: "shop" },
  "*.api.example": { profile: "api", to: 8081 },
};

describe("compiled names", () => {
  it("have only what differs from the listener", () => {
    const [listener] = made(NAMES).compile().snapshot.listeners;
    const names = namedOf(listener);
    assert.deepEqual(entriesOf(names), [
      { name: "*.api.example", route: "api 8081" },
      { name: "own.example", certificates: ["own"] },
      { name: "safe.example", policy: "partners" },
      { name: "same.example" },
      { name: "turned.example", certificates: ["other", "shop"] },
    ]);
    assert.deepEqual(names.certificates, ["own", "other", "shop"]);
    assert.deepEqual(names.routes, {
      "api 8081": {
        profile: "api",
        endpoints: [
          { kind: "tcp", server: "api-1", address: "192.0.2.3", port: 18_081, weight: 1 },
        ],
        standby: [],
        balance: "client-hash",
      },
    });
    const [other] = made({}).compile().snapshot.listeners;
    assert.equal(other !== undefined && "names" in other, false);
  });

  it("bring the material of their policies and certificates", () => {
    const { compile, sources } = made(NAMES);
    const { snapshot, material } = compile();
    const [listener] = snapshot.listeners;
    assert.ok(listener);
    const trust = sources.trusts.get("ca.pem\nca.crl");
    assert.ok(trust);
    const { shards, policies } = namedOf(listener);
    assert.deepEqual(policies["partners"]?.clientAuth, {
      ...{ mode: "require", trust: trust.id, partialChain: false },
    });
    assert.deepEqual(sharedIdsOf([listener]), new Set([trust.id, ...shards]));
    assert.equal(sessionScopesOf([listener]).size, 2);
    for (const id of [trust.id, ...shards]) assert.ok(material.has(id), id);
    assert.deepEqual([...snapshot.certificates.keys()].toSorted(), ["other", "own", "shop"]);
  });

  it("have the protocols of the mode in their policies", () => {
    const alpnIn = (mode: string) => {
      const [listener] = made(NAMES, { mode }).compile().snapshot.listeners;
      const own = listener !== undefined && "policy" in listener ? listener.policy.alpn : undefined;
      return { own, named: namedOf(listener).policies["partners"]?.policy.alpn };
    };
    assert.deepEqual(alpnIn("tcp"), { own: [], named: ["h2"] });
    const { own, named } = alpnIn("http");
    assert.ok(named?.includes("http/1.1"));
    assert.deepEqual(named, own);
  });

  it("keep a listener from being served if clients of a name cannot be verified", () => {
    const { document, sources, compile } = made(NAMES);
    const without = { ...sources, trusts: new Map() };
    assert.deepEqual(compile(without).snapshot.listeners, []);
    const [place] = listenersOf(document);
    assert.ok(place);
    const material = materialOfListener(place.listener, document);
    assert.equal(
      obstacleTo(material, without),
      "the CAs of its clients (policy partners) cannot be used",
    );
    assert.equal(material.trusts[0]?.path, 'names["safe.example"].policy');
    const lost = { ...sources, certificates: new Map(sources.certificates) };
    lost.certificates.delete("own");
    assert.equal(compile(lost).snapshot.listeners.length, 1);
  });

  it("are uses of their certificates", () => {
    const { document } = made(NAMES);
    assert.deepEqual(
      certificateUsesOf(document)
        .get("own")
        ?.map(({ path }) => path),
      [`${PLACE}.names["Own.Example."].certificates[0]`],
    );
    assert.deepEqual(
      certificateUsesOf(document)
        .get("shop")
        ?.map(({ path }) => path.replace(PLACE, "")),
      [
        ".certificates[0]",
        '.names["same.example"].certificates[0]',
        '.names["turned.example"].certificates[1]',
      ],
    );
  });

  it("need certificates that work with their policies", () => {
    const { document, sources } = made({
      "a.example": { policy: "rsa" },
      "b.example": { policy: "rsa", certificates: ["own"] },
    });
    assert.deepEqual(
      checkUsage(document, sources.certificates).map(
        ({ code, path }) => `${code} ${path.replace(PLACE, "")}`,
      ),
      [
        'suite-without-key-type .names["a.example"].policy',
        'suite-without-key-type .names["b.example"].policy',
      ],
    );
    assert.deepEqual(
      unfitPolicies(document, "own", "ecdsa").map(({ path }) => path),
      [`${PLACE}.names["b.example"].policy`],
    );
  });

  it("refer to unix sockets", () => {
    const { document } = made({ "a.example": { to: "unix:/run/a.sock" } });
    const [place] = listenersOf(document);
    assert.ok(place);
    assert.deepEqual(controlModeOf(place.listener).unixSocketsOf(place.listener), [
      { path: 'names["a.example"].to', socketPath: "/run/a.sock" },
    ]);
  });
});

describe("the route of a name", () => {
  it("belongs to the profile of its servers, with their standby and checks", () => {
    const { document, compile } = made(NAMES, {}, { standby: ["api-2"] });
    const { listeners } = compile().snapshot;
    const [listener] = listeners;
    assert.ok(listener);
    const routes = routesOf(listener) ?? [];
    assert.deepEqual(
      routes.map(({ profile, check }) => [profile, check !== undefined]),
      [
        ["shop", false],
        ["api", true],
      ],
    );
    assert.equal(settingsByListener(document).get(listener.name)?.type, "tcp");
    const coverage = coverageOf(listeners);
    assert.deepEqual([...coverage.keys()], ["api"]);
    const [covered] = coverage.get("api") ?? [];
    assert.deepEqual(
      [
        covered?.name,
        covered?.servers.map(({ endpoint }) => endpoint),
        covered?.standby.map(({ endpoint }) => endpoint),
      ],
      ["front.shop:443", ["192.0.2.3:18081"], ["192.0.2.4:8081"]],
    );
    assert.deepEqual(
      new Set(serverPairsOf(listeners)),
      new Set(["front.shop web-1", "front.shop api-1", "front.shop api-2"]),
    );
  });

  it("lets the standby servers of its profile take over", () => {
    const { document, compile } = made(NAMES, {}, { standby: ["api-2"] });
    const { snapshot } = compile();
    const ignore = (): void => {};
    const standby = new Standby({ onSwitch: ignore, publish: ignore, save: ignore });
    assert.deepEqual(standby.commit(document, snapshot), []);
    const [covered] = coverageOf(snapshot.listeners).get("api") ?? [];
    const [{ key, endpoint, server } = assert.fail()] = covered?.servers ?? [];
    const uses = [{ listener: covered?.name ?? assert.fail(), server }];
    standby.checked({ name: "endpoint-checked", key, endpoint, isUp: false, uses, left: [] });
    assert.deepEqual(standby.onStandby(), ["api"]);
    standby.close();
  });

  it("is shown with its endpoints", () => {
    const { document, compile } = made(NAMES);
    const [place] = listenersOf(document);
    const [compiled] = compile().snapshot.listeners;
    assert.ok(place);
    const route = { profile: "api", to: "8081", names: 1 };
    assert.deepEqual(namesStatusOf(place.listener, "shop", compiled), {
      names: 5,
      routes: [{ ...route, endpoints: ["192.0.2.3:18081"] }],
    });
    assert.deepEqual(namesStatusOf(place.listener, "shop", undefined).routes, [
      { ...route, endpoints: [] },
    ]);
  });

  it("follows the profile, and compiles nothing else again", () => {
    const names = { "a.example": { profile: "api" } };
    const [first, moved] = [made(names), made(names, {}, { servers: ["api-2"] })];
    const endpointsIn = ({ compile }: typeof first) =>
      routesOf(compile().snapshot.listeners[0] ?? assert.fail())?.map(({ endpoints }) =>
        endpoints.map(({ server }) => server),
      );
    assert.deepEqual(endpointsIn(first), [["web-1"], ["api-1"]]);
    assert.deepEqual(endpointsIn(moved), [["web-1"], ["api-2"]]);
  });
});
