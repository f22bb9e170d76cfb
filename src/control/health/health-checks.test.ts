import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyCompiled } from "#harness/fake-pool.ts";
import { eventually } from "#harness/deadline.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import type { Document } from "#model/document/document.ts";
import { listenerNameOf, vnicNameOf, type ListenerName } from "#model/names.ts";
import { endpointKeyOf, type Snapshot, type SnapshotEndpoint } from "#model/records/snapshot.ts";
import { compileSnapshot } from "#control/compile-snapshot.ts";
import type { Sources } from "#control/certificates/sources.ts";
import { failed, untried, type CheckResult, type Untried } from "./check-result.ts";
import { HealthChecks } from "./health-checks.ts";

const NAME = listenerNameOf(vnicNameOf("front", "shop"), 8443);
const FAST = { interval: "20ms", timeout: "500ms", rise: 2, fall: 3 };
const NO_SOURCES: Sources = { certificates: new Map(), trusts: new Map() };

const documentOf = (listeners: readonly object[], servers: readonly string[] = ["a"]): Document => {
  const own = { certificates: ["shop"] };
  return parseDocument({
    servers: Object.fromEntries(
      servers.map((name, at) => [name, { address: `192.0.2.${at + 1}` }]),
    ),
    certificates: { shop: { source: "files", chain: "/c", key: "/k" } },
    profiles: {
      shop: {
        servers,
        vnics: {
          front: { ip: "127.0.0.1", listeners: listeners.map((one) => ({ ...own, ...one })) },
        },
      },
    },
  }).draft;
};

/** Compiles the document as if its certificate could be used. */
function compiledOf(document: Document): Snapshot {
  const version = {
    ...{ id: "c", material: { kind: "certificate", chainPem: "", keyPem: "" } },
    ...{ facts: { names: [], keyType: "ecdsa", notAfterMs: 0 }, signing: {} },
  };
  const sources = { ...NO_SOURCES, certificates: new Map([["shop", version]]) };
  const input = { number: 1, document, workers: 1, connectionsPerWorker: () => 1 };
  return compileSnapshot({ ...input, sources: sources as unknown as Sources }).snapshot;
}

/** Checks whose results the test chooses. `failing` holds the endpoints that fail. */
function startChecks() {
  const told: string[] = [];
  const runs = new Map<string, number>();
  const ranAtMs: number[] = [];
  const failing = new Set<string>();
  const untriable = new Set<string>();
  const ran: string[] = [];
  const run = (endpoint: SnapshotEndpoint): Promise<CheckResult | Untried> => {
    const key = endpointKeyOf(endpoint);
    runs.set(key, (runs.get(key) ?? 0) + 1);
    ranAtMs.push(performance.now());
    if (untriable.has(key)) return Promise.resolve(untried("it has no CA"));
    return Promise.resolve(failing.has(key) ? failed("refused") : { isUp: true });
  };
  const checks = new HealthChecks({
    onDown: (down) => told.push(`down ${down.map((key) => key.split(" ")[1]).join(",")}`),
    onEndpoint: ({ endpoint, isUp, uses, left }) => {
      for (const { listener } of left) told.push(`${listener} ${endpoint} undefined`);
      for (const { listener } of uses) told.push(`${listener} ${endpoint} ${isUp}`);
    },
    onRun: ({ endpoint, isUp, failure, untried: why }) =>
      ran.push(`${endpoint} ${isUp} ${failure ?? why}`),
    onDoubt: (text) => told.push(text === undefined ? "trust" : `doubt ${text.slice(0, 6)}`),
    onFault: (error) => assert.fail(String(error)),
    run,
  });
  closeAtTestEnd(() => checks.close());
  const follow = (document: Document): void =>
    checks.follow(document, compiledOf(document), NO_SOURCES);
  const ranAll = async (times: number): Promise<void> => {
    const from = new Map(runs);
    await eventually(() =>
      [...from].every(([key, count]) => (runs.get(key) ?? 0) >= count + times),
    );
  };
  /** Waits until each of so many endpoints has the result of a run. */
  const haveRun = async (endpoints: number): Promise<void> => {
    await eventually(() => runs.size === endpoints);
    await ranAll(1);
  };
  return { told, ran, checks, failing, untriable, ranAtMs, follow, ranAll, haveRun };
}

const A = "192.0.2.1:80";

test("an endpoint goes down after `fall` failures and up after `rise` successes", async () => {
  const { told, checks, failing, follow } = startChecks();
  follow(documentOf([{ port: 8443, to: 80, health: FAST }]));
  failing.add(A);
  await eventually(() => checks.isDown(NAME, A));
  failing.clear();
  await eventually(() => !checks.isDown(NAME, A));
  assert.deepEqual(told, [
    `${NAME} ${A} true`,
    `${NAME} ${A} false`,
    `down ${A}`,
    `${NAME} ${A} true`,
    "down ",
  ]);
});

test("a check that stays keeps what it knows; one that goes is told", async () => {
  const { told, checks, failing, follow } = startChecks();
  const document = documentOf([{ port: 8443, to: 80, health: FAST }]);
  failing.add(A);
  follow(document);
  await eventually(() => checks.isDown(NAME, A));
  const before = told.length;
  // Another way to write the same settings, and a change of another listener.
  follow(
    documentOf([
      { port: 8443, to: 80, health: { ...FAST, type: "tcp", timeout: "500ms" } },
      { port: 9443, to: 81 },
    ]),
  );
  assert.equal(told.length, before);
  checks.follow(document, emptyCompiled(2).snapshot, NO_SOURCES);
  assert.deepEqual(told.slice(before), [`${NAME} ${A} undefined`, "down "]);
  assert.equal(checks.isDown(NAME, A), false);
});

test("a failed run is told before the endpoint is down, and while it is", async () => {
  const { told, ran, checks, failing, follow, ranAll } = startChecks();
  failing.add(A);
  follow(documentOf([{ port: 8443, to: 80, health: FAST }]));
  await eventually(() => checks.isDown(NAME, A));
  assert.deepEqual(
    ran.slice(0, 3),
    Array.from({ length: 3 }, () => `${A} true refused`),
  );
  const before = told.length;
  await ranAll(2);
  assert.ok(ran.length > 3 && ran.slice(3).every((line) => line === `${A} false refused`));
  assert.equal(told.length, before);
});

test("a check that cannot be run says so at once, or after `fall` runs if it knew the state", async () => {
  const { ran, checks, failing, untriable, follow, ranAll } = startChecks();
  untriable.add(A);
  follow(documentOf([{ port: 8443, to: 80, health: FAST }]));
  const unknown = `${A} true The director cannot check it: it has no CA.`;
  await eventually(() => ran.length > 0);
  await ranAll(4);
  assert.deepEqual(ran, [unknown]);
  untriable.clear();
  await eventually(() => ran.length === 2);
  untriable.add(A);
  await eventually(() => ran.length === 3);
  assert.deepEqual(ran, [unknown, `${A} true undefined`, unknown]);
  assert.equal(checks.isDown(NAME, A), false);
  untriable.clear();
  failing.add(A);
  await eventually(() => checks.isDown(NAME, A));
  assert.equal(ran[3], `${A} true refused`);
});

test("equal checks of an endpoint run once, and each listener is told", async () => {
  const { told, checks, failing, ranAtMs, follow } = startChecks();
  const names = [8443, 9443].map((port) => listenerNameOf(vnicNameOf("front", "shop"), port));
  const equal = { ...FAST, interval: "200ms", timeout: "1s", fall: 1 };
  const document = documentOf([
    { port: 8443, to: 80, health: equal },
    { port: 9443, to: 80, health: { ...equal, timeout: "1000ms", type: "tcp" } },
  ]);
  follow(document);
  await eventually(() => ranAtMs.length >= 3);
  const [first = 0, , third = 0] = ranAtMs;
  assert.ok(third - first >= 340);
  failing.add(A);
  await eventually(() => names.every((name) => checks.isDown(name, A)));
  assert.deepEqual(
    told.filter((line) => line.endsWith("false")),
    names.map((name) => `${name} ${A} false`),
  );
  assert.equal(told.filter((line) => line === `down ${A}`).length, 1);
});

test("an endpoint that fails one check is not down for listeners with another or with none", async () => {
  const { checks, follow } = startChecks();
  const http = { ...FAST, type: "http", fall: 1 };
  const document = documentOf([
    { port: 1, to: 80, health: http },
    { port: 2, to: 80, health: FAST },
    { port: 3, to: 80 },
    { port: 4, to: 80, health: { ...http, path: "/live" } },
  ]);
  const run = (_endpoint: SnapshotEndpoint, { http: ask }: { readonly http: unknown }) =>
    Promise.resolve(ask === undefined ? ({ isUp: true } as const) : failed("refused"));
  const mixed = new HealthChecks({
    ...{ onDown: () => undefined, onEndpoint: () => undefined, onDoubt: () => undefined },
    onFault: (error) => assert.fail(String(error)),
    run,
  });
  closeAtTestEnd(() => mixed.close());
  mixed.follow(document, compiledOf(document), NO_SOURCES);
  const nameOf = (port: number): ListenerName => listenerNameOf(vnicNameOf("front", "shop"), port);
  await eventually(() => mixed.isDown(nameOf(1), A) && mixed.isDown(nameOf(4), A));
  assert.deepEqual([mixed.isDown(nameOf(2), A), mixed.isDown(nameOf(3), A)], [false, false]);
  follow(documentOf([]));
  assert.equal(checks.isDown(nameOf(1), A), false);
});

const FIVE = ["a", "b", "c", "d", "e"];
const keysOf = (...numbers: readonly number[]): readonly string[] =>
  numbers.map((at) => `192.0.2.${at}:80`);

for (const fall of [1, 3]) {
  test(`no endpoint is down while over half of all checks fail, with fall ${fall}`, async () => {
    const { told, checks, failing, follow, ranAll, haveRun } = startChecks();
    follow(documentOf([{ port: 8443, to: 80, health: { ...FAST, fall } }], FIVE));
    const isDown = (): readonly boolean[] =>
      keysOf(1, 2, 3, 4, 5).map((key) => checks.isDown(NAME, key));
    await haveRun(5);
    for (const key of keysOf(1, 2, 3)) failing.add(key);
    await eventually(() => checks.isDoubting);
    await ranAll(2 * fall);
    assert.deepEqual(isDown(), [false, false, false, false, false]);
    assert.deepEqual(
      told.filter((line) => line.startsWith("doubt")),
      ["doubt 3 of 5"],
    );
    // At most half fail: the director trusts its checks again, and what still fails turns down.
    for (const key of keysOf(2, 3)) failing.delete(key);
    await eventually(() => !checks.isDoubting);
    await eventually(() => checks.isDown(NAME, "192.0.2.1:80"));
    assert.equal(told.filter((line) => line === "trust").length, 1);
    assert.deepEqual(isDown(), [true, false, false, false, false]);
  });
}

test("endpoints come up while the director doubts itself, and those that are down do not count", async () => {
  const { checks, failing, follow, ranAll, haveRun } = startChecks();
  const health = { ...FAST, fall: 2, timeout: "1ms" };
  follow(documentOf([{ port: 8443, to: 80, health }], [...FIVE, "f"]));
  await haveRun(6);
  const [a = "", b = ""] = keysOf(1, 2);
  failing.add(a);
  failing.add(b);
  await eventually(() => checks.isDown(NAME, a) && checks.isDown(NAME, b));
  await ranAll(4);
  for (const key of keysOf(3, 4)) failing.add(key);
  await ranAll(6);
  // Two of the four that were up fail. It is half of them, so they are down.
  assert.deepEqual(
    keysOf(3, 4).map((key) => checks.isDown(NAME, key)),
    [true, true],
  );
  failing.delete(a);
  await eventually(() => !checks.isDown(NAME, a));
});

test("endpoints that were dead when their checks began go down, and give no doubt about another", async () => {
  const { told, checks, failing, follow, haveRun } = startChecks();
  const dead = keysOf(1, 2, 3);
  for (const key of dead) failing.add(key);
  follow(documentOf([{ port: 8443, to: 80, health: FAST }], FIVE));
  await eventually(() => dead.every((key) => checks.isDown(NAME, key)));
  await haveRun(5);
  const [web = "", other = ""] = keysOf(4, 5);
  failing.add(web);
  await eventually(() => checks.isDown(NAME, web));
  assert.equal(checks.isDown(NAME, other), false);
  assert.ok(!told.some((line) => line.startsWith("doubt")));
});

test("a small fleet has no doubt, so that its servers can be down", async () => {
  const { checks, failing, follow } = startChecks();
  follow(documentOf([{ port: 8443, to: 80, health: FAST }], ["a", "b", "c"]));
  for (const key of keysOf(1, 2, 3)) failing.add(key);
  await eventually(() => keysOf(1, 2, 3).every((key) => checks.isDown(NAME, key)));
  assert.equal(checks.isDoubting, false);
});
