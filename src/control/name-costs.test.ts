/** What a change of one of 10,000 server names computes and sends. Counted, not timed. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseDocument } from "#model/document/parse-document.ts";
import { MAX_NAMES } from "#model/document/names-option.ts";
import type { CertificateName, MaterialId } from "#model/names.ts";
import type { Material, SnapshotListener } from "#model/records/snapshot.ts";
import { buildRuntime, EMPTY_RUNTIME } from "#dataplane/build-runtime.ts";
import { EndpointHealths } from "#dataplane/endpoint/endpoint-health.ts";
import { tryClientTlsRules } from "#dataplane/listener-rules.ts";
import { atOnce } from "#dataplane/live/in-slices.ts";
import { resolveName } from "#dataplane/tls/resolve-name.ts";
import { boundedMessagesOf } from "#protocol/bounded-messages.ts";
import { certificateOf } from "#harness/sample-sources.ts";
import type { Sources } from "./certificates/sources.ts";
import { compileSnapshot, type Compiled } from "./compile-snapshot.ts";
import { buildPrepare } from "./workers/difference.ts";

const TRUST = { id: "ca of partners" as MaterialId };
const sources: Sources = {
  certificates: new Map(["shop", "other"].map((name) => [name, certificateOf(name)])),
  trusts: new Map([
    [
      "ca.pem",
      {
        ...TRUST,
        material: { kind: "trust", caPem: "", crlPem: undefined },
        validity: { authorities: [], lists: [] },
      },
    ],
  ]),
};

const nameAt = (at: number): string => `name-${at}.shop.example`;
/** Names with all that an entry can have, which share policies and routes. */
const NAMES: Readonly<Record<string, object>> = Object.fromEntries(
  Array.from({ length: MAX_NAMES }, (_, at) => [
    nameAt(at),
    { certificates: ["other"], policy: "partners", profile: "api", to: 8_000 + (at % 10) },
  ]),
);

const documentWith = (
  names: object,
  more: { readonly api?: string; readonly partners?: object; readonly ca?: string } = {},
): object => ({
  servers: { "web-1": { address: "192.0.2.1" }, "web-2": { address: "192.0.2.2" } },
  profiles: {
    shop: {
      servers: ["web-1"],
      vnics: {
        front: {
          ip: "198.51.100.1",
          listeners: [
            { port: 443, to: 8080, certificates: ["shop"], names },
            { port: 444, to: 8080, certificates: ["shop"] },
          ],
        },
      },
    },
    api: { servers: [more.api ?? "web-2"] },
  },
  certificates: { shop: { chain: "/s.pem" }, other: { chain: "/o.pem" } },
  policies: { partners: { clientAuth: { mode: "require", ca: "ca.pem" }, ...more.partners } },
});

function compile(value: object, number: number): Compiled {
  const { document, problems } = parseDocument(value);
  assert.ok(document, JSON.stringify(problems.slice(0, 3)));
  const fixed = { workers: 1, connectionsPerWorker: () => 100 };
  return compileSnapshot({ number, document, sources, ...fixed });
}

const before = compile(documentWith(NAMES), 1);

const shardsOf = (material: ReadonlyMap<MaterialId, () => Material>) =>
  [...material.values()].map((read) => read()).filter(({ kind }) => kind === "names");

describe("10,000 names of a listener", () => {
  it("are sent once, in messages of a bounded length", () => {
    const prepare = buildPrepare(undefined, before);
    const shards = shardsOf(prepare.material);
    assert.equal(shards.length, 256);
    const entries = shards.flatMap((one) => (one.kind === "names" ? one.entries : []));
    assert.equal(entries.length, MAX_NAMES);
    const messages = [...boundedMessagesOf(prepare)];
    assert.ok(messages.length > 4);
    for (const message of messages) assert.notEqual(message.type, "piece");
    const listener = JSON.stringify(prepare.listeners[0]).length;
    assert.ok(listener < 32 * 1_024, `${listener} characters`);
  });

  it("of which one changes send one shard, and no listener but their own", () => {
    const changed = { ...NAMES, [nameAt(4_711)]: { policy: "modern" } };
    const prepare = buildPrepare(before, compile(documentWith(changed), 2));
    assert.deepEqual(
      prepare.listeners.map(({ port }) => port),
      [443],
    );
    assert.equal(shardsOf(prepare.material).length, 1);
    assert.equal(prepare.material.size, 1);
    const [message, ...others] = [...boundedMessagesOf(prepare)];
    assert.equal(others.length, 0);
    assert.ok(JSON.stringify(message).length < 48 * 1_024);
  });

  it("in another order, or written in another way, are no change", () => {
    const upper = Object.entries(NAMES)
      .toReversed()
      .map(([name, one]) => [`${name.toUpperCase()}.`, one]);
    const prepare = buildPrepare(before, compile(documentWith(Object.fromEntries(upper)), 2));
    assert.deepEqual([prepare.listeners, prepare.material.size], [[], 0]);
  });

  it("whose profile moves, or whose policy changes, send no shard", () => {
    for (const more of [{ api: "web-1" }, { partners: { minVersion: "TLSv1.3" } }]) {
      const prepare = buildPrepare(before, compile(documentWith(NAMES, more), 2));
      assert.deepEqual(
        prepare.listeners.map(({ port }) => port),
        [443],
      );
      assert.equal(prepare.material.size, 0);
    }
  });

  it("cost a worker one shard and one identity for each that changes and is used", () => {
    const material = new Map<MaterialId, Material>();
    const apply = (
      base: Parameters<typeof buildRuntime>[0],
      from: Compiled | undefined,
      to: Compiled,
    ) => {
      const prepare = buildPrepare(from, to);
      // Messages arrive as JSON.
      for (const [id, read] of prepare.material)
        material.set(id, JSON.parse(JSON.stringify(read())) as Material);
      const listeners = JSON.parse(
        JSON.stringify(prepare.listeners),
      ) as readonly SnapshotListener[];
      const arrived = { ...prepare, listeners, material: {} };
      const build = buildRuntime(base, arrived, new EndpointHealths(), (id) => material.get(id));
      return atOnce(build).runtime;
    };
    const rulesOf = ({ listeners }: ReturnType<typeof apply>) => {
      const rules = [...listeners.values()].find(({ spec }) => spec.port === 443);
      const found = rules && tryClientTlsRules(rules);
      assert.ok(found);
      return found;
    };
    const first = apply(EMPTY_RUNTIME, undefined, before);
    const changed = compile(
      documentWith({ ...NAMES, [nameAt(4_711)]: { certificates: ["other"] } }),
      2,
    );
    const second = apply(first, before, changed);
    const [one, other] = [rulesOf(first), rulesOf(second)];
    const entries = new Set(one.names.table.entries());
    const anew = [...other.names.table.entries()].filter((entry) => !entries.has(entry));
    assert.ok(anew.length > 0 && anew.length < 128, `${anew.length} entries`);
    const keyOf = (rules: typeof one, at: number) => resolveName(rules, nameAt(at)).identity.key;
    assert.deepEqual(keyOf(one, 1), keyOf(other, 1));
    assert.notDeepEqual(keyOf(one, 4_711), keyOf(other, 4_711));
    const { identity, route } = resolveName(other, nameAt(7));
    assert.deepEqual(
      [identity.spec.policy.name, identity.spec.clientAuth.trust, identity.spec.certificates],
      ["partners", TRUST.id, ["other" as CertificateName]],
    );
    assert.equal(route, "api 8007");
    // Names with equal settings have the same identity.
    const identities = Array.from(
      { length: 100 },
      (_, at) => resolveName(other, nameAt(at)).identity,
    );
    assert.equal(new Set(identities).size, 1);
  });
});
