import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "#harness/deadline.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import type { JsonMap } from "#model/json.ts";
import { endpointKeyOf, type SnapshotEndpoint } from "#model/records/snapshot.ts";
import { compileSnapshot } from "#control/compile-snapshot.ts";
import type { Sources } from "#control/certificates/sources.ts";
import type { StandbyRecords } from "#control/state/standby-store.ts";
import { failed, type CheckResult } from "./check-result.ts";
import { HealthChecks } from "./health-checks.ts";
import { Standby } from "./standby.ts";

const FAST = { interval: "20ms", timeout: "500ms", rise: 2, fall: 2 };
const DEAD = "192.0.2.1";

const certificate = {
  ...{ id: "c", material: { kind: "certificate", chainPem: "", keyPem: "" } },
  ...{ facts: { names: [], keyType: "ecdsa", notAfterMs: 0 }, signing: {} },
};
/** Listeners are compiled as if their certificate could be used. */
const sources = {
  certificates: new Map([["shop", certificate]]),
  trusts: new Map(),
} as unknown as Sources;

interface ProfileSettings {
  readonly servers: readonly string[];
  readonly standby?: readonly string[];
  readonly listeners: readonly JsonMap[];
}

/** The checks and the decisions of one run of a director. `dead` has the endpoints whose checks fail, with the ways in which they do. */
function startDirector(saved: StandbyRecords = new Map()) {
  const told: string[] = [];
  const dead = new Map<string, "refused" | "timeout">();
  const runs = new Map<string, number>();
  let records = saved;
  const standby = new Standby({
    onSwitch: () => undefined,
    publish: (event) => {
      if ("profile" in event) told.push(`${event.name} ${"cause" in event ? event.cause : ""}`);
    },
    save: (wanted) => (records = wanted),
  });
  standby.restore(saved);
  const checks = new HealthChecks({
    isPresumedDown: (key) => standby.isPresumedDown(key),
    ...{ onDown: () => undefined, onDoubt: () => undefined },
    onEndpoint: (checked) => standby.checked(checked),
    onRun: (checked) => standby.checked(checked),
    onFault: (error) => assert.fail(String(error)),
    run: (endpoint: SnapshotEndpoint): Promise<CheckResult> => {
      const key = endpointKeyOf(endpoint);
      runs.set(key, (runs.get(key) ?? 0) + 1);
      const failure = dead.get(key);
      return Promise.resolve(failure === undefined ? { isUp: true } : failed(failure));
    },
  });
  closeAtTestEnd(() => checks.close());
  const follow = (profiles: Readonly<Record<string, ProfileSettings>>): readonly string[] => {
    const document = parseDocument({
      servers: {
        "web-1": { address: DEAD },
        "web-2": { address: "192.0.2.2" },
        "web-3": { address: "192.0.2.3" },
      },
      certificates: { shop: { source: "files", chain: "/c", key: "/k" } },
      profiles: Object.fromEntries(
        Object.entries(profiles).map(([name, { listeners, ...rest }], at) => {
          const own = listeners.map((one) => ({ certificates: ["shop"], health: FAST, ...one }));
          const front = { ip: `127.0.0.${at + 1}`, listeners: own };
          return [name, { ...rest, vnics: { front } }];
        }),
      ),
    }).draft;
    const input = { number: 1, document, workers: 1, connectionsPerWorker: () => 1 };
    const { snapshot } = compileSnapshot({ ...input, sources });
    const onStandby = standby.commit(document, snapshot);
    checks.follow(document, snapshot, sources);
    return onStandby;
  };
  const isOnStandby = (): boolean => standby.stateOf("shop")?.isOnStandby === true;
  /** Waits until the endpoint has been checked so many times more. */
  const ran = async (endpoint: string, times: number): Promise<void> => {
    const from = runs.get(endpoint) ?? 0;
    await eventually(() => (runs.get(endpoint) ?? 0) >= from + times);
  };
  const takeTold = (): readonly string[] => told.splice(0);
  return { standby, checks, dead, follow, isOnStandby, ran, takeTold, records: () => records };
}

const shopWith = (...listeners: readonly JsonMap[]): ProfileSettings => ({
  ...{ servers: ["web-1"], standby: ["web-2"], listeners },
});
const AT_80 = { port: 8443, to: 80 };
const AT_81 = { port: 8443, to: 81 };

/** A director whose profile shop is on standby, because web-1 refuses connections to all ports. */
async function startOnStandby() {
  const director = startDirector();
  for (const port of [80, 81]) director.dead.set(`${DEAD}:${port}`, "refused");
  director.follow({ shop: shopWith(AT_80) });
  await eventually(director.isOnStandby);
  director.takeTold();
  return director;
}

test("a restart does not give a profile back to a dead server whose check another profile shares", async () => {
  const old = await startOnStandby();
  const { dead, follow, ran, takeTold } = startDirector(old.records());
  dead.set(`${DEAD}:80`, "refused");
  const aaa = { servers: ["web-1", "web-3"], listeners: [AT_80] };
  assert.deepEqual(follow({ aaa, shop: shopWith(AT_80) }), ["shop"]);
  await ran(`${DEAD}:80`, 4);
  assert.deepEqual(takeTold(), ["standby-took-over restart"]);
  dead.clear();
  await ran(`${DEAD}:80`, 3);
  assert.deepEqual(takeTold(), ["standby-gave-back checks"]);
});

/** Each has what the listeners are, step by step, and the port that the last one leads to. */
const CHANGES: Readonly<Record<string, { readonly steps: JsonMap[][]; readonly to: number }>> = {
  "leads to another port": { steps: [[AT_81]], to: 81 },
  "has another port": { steps: [[{ port: 8444, to: 80 }]], to: 80 },
  "has another check": { steps: [[{ ...AT_80, health: { ...FAST, fall: 3 } }]], to: 80 },
  "is removed, and another leads to the same port": {
    steps: [[], [{ port: 8444, to: 80 }]],
    to: 80,
  },
  "is removed, and another leads to another port": {
    steps: [[], [{ port: 8444, to: 81 }]],
    to: 81,
  },
};
for (const [change, { steps, to }] of Object.entries(CHANGES)) {
  test(`a profile stays on standby while its server is dead when its listener ${change}`, async () => {
    const { dead, follow, isOnStandby, ran, takeTold } = await startOnStandby();
    for (const listeners of steps) {
      assert.deepEqual(follow({ shop: shopWith(...listeners) }), ["shop"]);
    }
    const endpoint = `${DEAD}:${to}`;
    await ran(endpoint, 4);
    assert.deepEqual(takeTold(), []);
    dead.delete(endpoint);
    await eventually(() => !isOnStandby());
    assert.deepEqual(takeTold(), ["standby-gave-back checks"]);
  });
}

test("an endpoint is down for a listener from the start if another has found it down by an equal check", async () => {
  const { follow, isOnStandby, checks, takeTold } = await startOnStandby();
  const more = { shop: shopWith(AT_80), other: { ...shopWith(AT_80) } };
  assert.deepEqual(follow(more), ["shop", "other"]);
  assert.deepEqual(takeTold(), ["standby-took-over change"]);
  assert.ok(isOnStandby());
  assert.deepEqual(
    checks.downEndpoints().map(({ vnics }) => vnics),
    [["front.other", "front.shop"]],
  );
});

test("an endpoint that was down stays down when the settings of its check change", async () => {
  const { dead, checks, follow, ran } = startDirector();
  const endpoint = `${DEAD}:80`;
  dead.set(endpoint, "refused");
  const withFall = (fall: number): void => {
    const listeners = [{ ...AT_80, health: { ...FAST, fall } }];
    follow({ shop: { servers: ["web-1", "web-3"], listeners } });
  };
  withFall(2);
  await eventually(() => checks.downEndpoints().length === 1);
  withFall(3);
  assert.equal(checks.downEndpoints().length, 1);
  dead.clear();
  await ran(endpoint, 3);
  assert.equal(checks.downEndpoints().length, 0);
});

test("the reason of a profile on standby follows what its checks find", async () => {
  const { standby, dead, takeTold } = await startOnStandby();
  dead.set(`${DEAD}:80`, "timeout");
  await eventually(() => standby.stateOf("shop")?.reason?.includes("in time") === true);
  assert.deepEqual(takeTold(), []);
});
