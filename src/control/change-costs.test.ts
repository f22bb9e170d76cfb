/** What a change of a large document computes, sends and saves: as much as it touches. Counted, not timed. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mergePatch } from "#model/document/merge-patch.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import { resourceOf, withResource, type ResourceKind } from "#model/document/resources.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import type { Json, JsonMap } from "#model/json.ts";
import type { MaterialId } from "#model/names.ts";
import { buildRuntime, EMPTY_RUNTIME } from "#dataplane/build-runtime.ts";
import { EndpointHealths } from "#dataplane/endpoint/endpoint-health.ts";
import type { EndpointRules } from "#dataplane/listener-rules.ts";
import { atOnce } from "#dataplane/live/in-slices.ts";
import { fleetDocument, fleetVnicOf } from "#harness/fleet-document.ts";
import { certificateOf } from "#harness/sample-sources.ts";
import type { Sources } from "./certificates/sources.ts";
import { compileSnapshot, type Compiled } from "./compile-snapshot.ts";
import { charactersOf } from "./known-parts.ts";
import { entriesOf } from "./state/document-entries.ts";
import { buildPrepare } from "./workers/difference.ts";

/** Each profile has four vNICs and lives on two servers. */
const SIZE = { servers: 100, profiles: 50, vnics: 200 };
const VNICS_PER_PROFILE = 4;

const fleet = fleetDocument({
  ...{ ...SIZE, port: 443, endpointPort: 8080, chain: "/fleet.pem", key: "/fleet.key" },
});

const sourcesOf = (version: string): Sources => ({
  certificates: new Map([
    ["fleet", FLEET_VERSIONS.get(version) ?? certificateOf("fleet")],
    ["spare", SPARE],
  ]),
  trusts: new Map(),
});
const SPARE = certificateOf("spare");
const FLEET_VERSIONS = new Map(
  ["first", "second"].map((version) => [
    version,
    { ...certificateOf("fleet"), id: `fleet ${version}` as MaterialId },
  ]),
);

interface State {
  readonly written: WrittenDocument;
  readonly compiled: Compiled;
}

function stateOf(value: unknown, number: number, sources: Sources): State {
  const { document, written, problems } = parseDocument(value);
  if (document === undefined || written === undefined) assert.fail(JSON.stringify(problems));
  const fixed = { workers: 2, connectionsPerWorker: () => 100 };
  return { written, compiled: compileSnapshot({ number, document, sources, ...fixed }) };
}

const withSpare = {
  ...fleet,
  certificates: {
    ...(fleet["certificates"] as JsonMap),
    spare: { chain: "/s.pem", key: "/s.key" },
  },
};
const first = stateOf(withSpare, 1, sourcesOf("first"));

/** Returns the document after a merge patch of one resource. */
function patched(kind: ResourceKind, name: string, patch: Json): WrittenDocument {
  const value = mergePatch(resourceOf(first.written, kind, name), patch);
  return withResource(first.written, kind, name, value) ?? assert.fail(name);
}

interface Costs {
  readonly compiled: number;
  readonly sentListeners: number;
  readonly sentVnics: number;
  readonly rebuilt: number;
  readonly saved: number;
}

/** Returns how many listeners are compiled, sent and built by a worker, and how many entries are saved. */
function costsOf(after: State): Costs {
  const before = first.compiled;
  const known = new Set(before.snapshot.listeners);
  const healths = new EndpointHealths();
  const whole = buildPrepare(undefined, first.compiled);
  const { runtime: base } = atOnce(buildRuntime(EMPTY_RUNTIME, whole, healths));
  const prepare = buildPrepare(before, after.compiled);
  const { runtime } = atOnce(buildRuntime(base, prepare, healths));
  const entries = entriesOf(first.written);
  return {
    compiled: after.compiled.snapshot.listeners.filter((one) => !known.has(one)).length,
    sentListeners: prepare.listeners.length,
    sentVnics: prepare.vnics.length + prepare.removedVnics.length,
    rebuilt: [...runtime.listeners].filter(([name, rules]) => base.listeners.get(name) !== rules)
      .length,
    saved: [...entriesOf(after.written)].filter(([key, text]) => entries.get(key) !== text).length,
  };
}

const afterDocument = (value: WrittenDocument): State =>
  stateOf({ ...value }, 2, sourcesOf("first"));

const vnic = fleetVnicOf(77, SIZE);
const ofOneProfile = { compiled: VNICS_PER_PROFILE };

describe("a change of a fleet", () => {
  it("parses only the profile of the vNIC that it changes", () => {
    const value = patched("vnics", vnic, { qos: { maxConnections: 10 } });
    const profile = JSON.stringify(resourceOf(value, "profiles", "profile-27"));
    assert.equal(charactersOf(value as JsonMap).unknown, profile.length);
    parseDocument(value);
    assert.equal(charactersOf(value as JsonMap).unknown, 0);
  });

  it("of the limit of one vNIC sends the vNIC and no listener, and saves one entry", () => {
    const after = afterDocument(patched("vnics", vnic, { qos: { maxConnections: 20 } }));
    assert.deepEqual(costsOf(after), {
      ...ofOneProfile,
      ...{ sentListeners: 0, sentVnics: 1, rebuilt: 0, saved: 1 },
    });
  });

  it("of one listener compiles its profile, and sends, builds and saves one listener", () => {
    const after = afterDocument(patched("listeners", `${vnic}:443`, { to: 8081 }));
    assert.deepEqual(costsOf(after), {
      ...ofOneProfile,
      ...{ sentListeners: 1, sentVnics: 0, rebuilt: 1, saved: 1 },
    });
  });

  it("of a server compiles and sends the listeners of its profile", () => {
    const after = afterDocument(patched("servers", "web-7", { address: "192.0.2.9" }));
    const { compiled, sentListeners, rebuilt, saved } = costsOf(after);
    assert.deepEqual(
      { compiled, sentListeners, rebuilt, saved },
      { compiled: 4, sentListeners: 4, rebuilt: 4, saved: 1 },
    );
  });

  it("of a policy touches the listeners that use it", () => {
    const document = afterDocument({
      ...patched("listeners", `${vnic}:443`, { policy: "strict" }),
      policies: { strict: { base: "modern" } },
    });
    const again = stateOf(
      { ...document.written, policies: { strict: { base: "intermediate" } } },
      3,
      sourcesOf("first"),
    );
    const known = new Set(document.compiled.snapshot.listeners);
    const compiled = again.compiled.snapshot.listeners.filter((one) => !known.has(one));
    assert.equal(compiled.length, VNICS_PER_PROFILE);
    const { listeners } = buildPrepare(document.compiled, again.compiled);
    assert.deepEqual(
      listeners.map(({ name }) => name),
      [`${vnic}:443`],
    );
  });

  it("of a certificate's files compiles and sends no listener, and rebuilds only the choice of the certificate", () => {
    const mixed = afterDocument(patched("listeners", `${vnic}:443`, { certificates: ["spare"] }));
    const renewed = stateOf({ ...mixed.written }, 3, sourcesOf("second"));
    assert.ok(
      renewed.compiled.snapshot.listeners.every(
        (listener, at) => listener === mixed.compiled.snapshot.listeners[at],
      ),
    );
    const prepare = buildPrepare(mixed.compiled, renewed.compiled);
    assert.deepEqual([prepare.listeners.length, prepare.vnics.length], [0, 0]);
    assert.deepEqual(
      prepare.certificates.map(({ name }) => name),
      ["fleet"],
    );
    assert.deepEqual([...prepare.material.keys()], ["fleet second"]);
    const healths = new EndpointHealths();
    const whole = buildPrepare(undefined, mixed.compiled);
    const { runtime: base } = atOnce(buildRuntime(EMPTY_RUNTIME, whole, healths));
    const { runtime, built } = atOnce(buildRuntime(base, prepare, healths));
    assert.equal(built.length, SIZE.vnics - 1);
    for (const [name, rules] of runtime.listeners) {
      const before = base.listeners.get(name) as EndpointRules | undefined;
      const isOfSpare = rules.spec.vnic === vnic;
      assert.equal(rules === before, isOfSpare);
      assert.equal((rules as unknown as EndpointRules).endpoints, before?.endpoints);
    }
  });

  it("that adds a vNIC compares it with all others", () => {
    const taken = resourceOf(first.written, "vnics", fleetVnicOf(3, SIZE))?.["ip"] ?? assert.fail();
    const listeners = [{ port: 443, mode: "redirect" }];
    const value = withResource(first.written, "vnics", "new.profile-9", { ip: taken, listeners });
    assert.deepEqual(
      parseDocument({ ...value }).problems.map(({ code }) => code),
      ["duplicate-virtual-ip"],
    );
  });

  it("that makes a listener of an address that another profile's server has is a loop there", () => {
    const listeners = [{ port: 8080, mode: "redirect" }];
    const value = withResource(first.written, "vnics", "new.profile-9", {
      ...{ ip: "127.0.0.1", listeners },
    });
    const { problems } = parseDocument({ ...value });
    assert.equal(problems.filter(({ code }) => code === "endpoint-loop").length, SIZE.vnics);
  });
});
