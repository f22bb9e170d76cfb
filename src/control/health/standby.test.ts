import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { parseDocument } from "#model/document/parse-document.ts";
import type { JsonMap } from "#model/json.ts";
import { listenerNameOf, vnicNameOf, type ListenerName } from "#model/names.ts";
import { checkedKeyOf } from "#model/records/snapshot.ts";
import { compileSnapshot } from "#control/compile-snapshot.ts";
import type { StandbyRecords } from "#control/state/standby-store.ts";
import { Standby } from "./standby.ts";

const listenerAt = (port: number): ListenerName =>
  listenerNameOf(vnicNameOf("front", "shop"), port);
const FIRST = listenerAt(8443);
const SECOND = listenerAt(9443);
const NAMES = { 1: "one", 2: "two", 3: "three" } as const;

/** A director with the profile shop, which has two listeners that lead to the ports 80 and 81 of its servers. */
function makeDirector(saved: StandbyRecords = new Map()) {
  let nowMs = 1_000;
  /** The name of the check that listeners without `health` have. */
  let checkName = "";
  let records = saved;
  const told: string[] = [];
  const standby = new Standby({
    onSwitch: (profiles) => told.push(`workers ${profiles.join()}`),
    publish: (event) => {
      if ("profile" in event) told.push(`${event.name} ${"cause" in event ? event.cause : ""}`);
    },
    save: (wanted) => (records = wanted),
    nowMs: () => nowMs,
  });
  standby.restore(saved);
  const commit = (profile: JsonMap, servers: JsonMap = {}): readonly string[] => {
    const listeners = [
      { port: 8443, to: 80, certificates: ["shop"] },
      { port: 9443, to: 81, certificates: ["shop"] },
      { port: 7443, to: "unix:/run/app.sock", certificates: ["shop"] },
    ];
    const { draft } = parseDocument({
      servers: {
        one: { address: "127.0.0.1" },
        two: { address: "127.0.0.2" },
        three: { address: "127.0.0.3" },
        ...servers,
      },
      profiles: { shop: { vnics: { front: { ip: "127.0.1.1", listeners } }, ...profile } },
      certificates: { shop: { chain: "a", key: "b" } },
    });
    const { snapshot } = compileSnapshot({
      ...{ number: 1, document: withoutCertificates(draft), workers: 1 },
      sources: { certificates: new Map(), trusts: new Map() },
      connectionsPerWorker: () => 1,
    });
    const [first] = snapshot.listeners;
    if (first?.mode === "tcp") checkName = first.check ?? checkName;
    return standby.commit(draft, snapshot);
  };
  const keyOf = (endpoint: string): string => checkedKeyOf(checkName, endpoint);
  /** Tells that the check of a server has a result, or with undefined that it ends. */
  const check = (server: 1 | 2 | 3, isUp: boolean | undefined, listener = FIRST): void => {
    const endpoint = `127.0.0.${server}:${listener === FIRST ? 80 : 81}`;
    const key = keyOf(endpoint);
    const wasDown = standby.isPresumedDown(key);
    const why = isUp === false ? ({ failure: "refused" } as const) : {};
    const use = { listener, server: NAMES[server] };
    standby.checked({
      ...{ name: "endpoint-checked", key, endpoint, isUp: isUp ?? !wasDown, ...why },
      ...(isUp === undefined ? { uses: [], left: [use] } : { uses: [use], left: [] }),
    });
  };
  const wait = (ms: number): void => {
    nowMs += ms;
    mock.timers.tick(ms);
  };
  const takeTold = (): readonly string[] => told.splice(0);
  return { standby, commit, check, keyOf, wait, takeTold, records: () => records };
}

type Draft = ReturnType<typeof parseDocument>["draft"];

/** The listeners are compiled without files. */
function withoutCertificates(draft: Draft): Draft {
  const copy = structuredClone(draft);
  for (const { vnics } of Object.values(copy.profiles)) {
    for (const { listeners } of Object.values(vnics)) {
      for (const listener of listeners) if (listener.mode === "tcp") listener.certificates = [];
    }
  }
  return copy;
}

const SHOP = { servers: ["one"], standby: ["two"] };

describe("the decision about standby servers", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
  afterEach(() => mock.timers.reset());

  test("standby takes over in the turn in which the last server fails, and gives back likewise", () => {
    const { standby, commit, check, takeTold, records } = makeDirector();
    assert.deepEqual(commit({ servers: ["one", "three"], standby: ["two"] }), []);
    check(1, false);
    assert.deepEqual(takeTold(), []);
    check(3, false);
    assert.deepEqual(takeTold(), ["workers shop", "standby-took-over checks"]);
    assert.equal(
      standby.stateOf("shop")?.reason,
      "front.shop: one 127.0.0.1:80: The endpoint refused the connection. front.shop: three 127.0.0.3:80: The endpoint refused the connection.",
    );
    assert.deepEqual([...records().keys()], ["shop"]);
    check(1, true);
    assert.deepEqual(takeTold(), ["workers ", "standby-gave-back checks"]);
    assert.equal(records().size, 0);
  });

  test("one listener that only standby can serve is enough, and one that neither can serve does not count", () => {
    const { commit, check, takeTold } = makeDirector();
    commit(SHOP);
    check(1, false, SECOND);
    assert.deepEqual(takeTold(), ["workers shop", "standby-took-over checks"]);
    check(1, false);
    check(1, true);
    assert.deepEqual(takeTold(), []);
    check(2, false, SECOND);
    assert.deepEqual(takeTold(), ["workers ", "standby-gave-back checks"]);
  });

  test("while no standby server is up either, the profile stays where it is", () => {
    const { commit, check, takeTold } = makeDirector();
    commit(SHOP);
    for (const listener of [FIRST, SECOND]) {
      check(2, false, listener);
      check(1, false, listener);
    }
    assert.deepEqual(takeTold(), []);
    check(2, true);
    assert.deepEqual(takeTold(), ["workers shop", "standby-took-over checks"]);
    check(2, false);
    assert.deepEqual(takeTold(), []);
  });

  test("a profile without a server for new connections is on standby with the commit, even if standby is down", () => {
    const { standby, commit, check, takeTold } = makeDirector();
    assert.deepEqual(commit({ servers: [], standby: ["two"] }), ["shop"]);
    assert.deepEqual(takeTold(), ["standby-took-over change"]);
    assert.match(standby.stateOf("shop")?.reason ?? "", /^No server /);
    assert.deepEqual(commit(SHOP), []);
    for (const admin of ["drain", "down"]) {
      assert.deepEqual(commit(SHOP, { one: { address: "127.0.0.1", admin } }), ["shop"]);
      assert.deepEqual(commit(SHOP), []);
    }
    check(2, false);
    check(2, false, SECOND);
    const weightless = { servers: [{ server: "one", weight: 0 }], standby: ["two"] };
    assert.deepEqual(commit(weightless), ["shop"]);
  });

  test("a move to the standby ends standby, and an undo returns to it while the server is down", () => {
    const { commit, check, takeTold } = makeDirector();
    commit({ ...SHOP, failback: "manual" });
    check(1, false);
    takeTold();
    assert.deepEqual(commit({ servers: ["two"], failback: "manual" }), []);
    assert.deepEqual(takeTold(), ["standby-gave-back change"]);
    check(1, undefined);
    assert.deepEqual(commit({ ...SHOP, failback: "manual" }), ["shop"]);
    assert.deepEqual(takeTold(), ["standby-took-over change"]);
  });

  test("an endpoint that was down counts as down when its check starts again, for ten minutes", () => {
    const { standby, commit, check, keyOf, wait } = makeDirector();
    commit(SHOP);
    check(1, false);
    check(1, undefined);
    assert.ok(standby.isPresumedDown(keyOf("127.0.0.1:80")));
    check(2, undefined);
    assert.ok(!standby.isPresumedDown(keyOf("127.0.0.2:80")));
    wait(10 * 60_000);
    commit({ servers: ["three"] });
    assert.ok(!standby.isPresumedDown(keyOf("127.0.0.1:80")));
  });

  test("other servers end a manual wait, and other settings do not", () => {
    const { commit, check } = makeDirector();
    const manual = { ...SHOP, failback: "manual" };
    commit(manual);
    check(1, false);
    check(1, true);
    assert.deepEqual(commit({ ...manual, balance: "client-hash" }), ["shop"]);
    assert.deepEqual(commit({ ...manual, servers: ["three"] }), []);
  });

  test("the order of the servers is no other choice of servers", () => {
    const { commit, check } = makeDirector();
    const manual = { servers: ["one", "three"], standby: ["two"], failback: "manual" };
    commit(manual);
    check(1, false);
    check(3, false);
    check(1, true);
    assert.deepEqual(commit({ ...manual, servers: ["three", "one"] }), ["shop"]);
  });

  test("the servers serve when no standby server may any more, although failback is manual", () => {
    const { commit, check, takeTold } = makeDirector();
    const manual = { ...SHOP, failback: "manual" };
    commit(manual);
    check(1, false);
    check(1, false, SECOND);
    takeTold();
    const drained = { two: { address: "127.0.0.2", admin: "drain" } };
    assert.deepEqual(commit(manual, drained), ["shop"]);
    check(1, true);
    assert.deepEqual(takeTold(), ["workers ", "standby-gave-back checks"]);
    check(1, true, SECOND);
    assert.deepEqual(commit(manual), []);
    check(1, false);
    check(1, true);
    takeTold();
    assert.deepEqual(commit(manual, drained), []);
    assert.deepEqual(takeTold(), ["standby-gave-back change"]);
    assert.deepEqual(commit(manual), []);
  });

  test("the reason is that of the last failures, without a further event or write", () => {
    const { standby, commit, check, keyOf, takeTold, records } = makeDirector();
    commit({ ...SHOP, failback: "manual" });
    check(1, false);
    takeTold();
    const saved = records();
    const endpoint = "127.0.0.1:80";
    standby.checked({
      ...{ name: "endpoint-checked", key: keyOf(endpoint), endpoint, isUp: false },
      ...{ failure: "timeout", text: "Too late.", left: [] },
      uses: [{ listener: FIRST, server: "one" }],
    });
    const reason = "front.shop: one 127.0.0.1:80: Too late.";
    assert.equal(standby.stateOf("shop")?.reason, reason);
    assert.equal(records(), saved);
    check(1, true);
    assert.equal(standby.stateOf("shop")?.reason, reason);
    assert.deepEqual(takeTold(), []);
  });

  test("an operator gives back a profile whose servers are up", () => {
    const { standby, commit, check, takeTold } = makeDirector();
    commit({ ...SHOP, failback: "manual" });
    assert.throws(() => standby.failBack("shop"), { code: "not-on-standby" });
    assert.throws(() => standby.failBack("other"), { code: "not-on-standby" });
    check(1, false);
    assert.throws(() => standby.failBack("shop"), { code: "servers-not-up" });
    check(1, true);
    takeTold();
    standby.failBack("shop");
    assert.deepEqual(takeTold(), ["workers ", "standby-gave-back operator"]);
  });

  test("servers that flap serve again after a minute, with one event each way", () => {
    const { commit, check, wait, takeTold } = makeDirector();
    commit(SHOP);
    for (let count = 0; count < 8; count += 1) {
      check(1, false);
      wait(1_000);
      check(1, true);
      wait(1_000);
    }
    const flapped = takeTold();
    assert.equal(flapped.filter((line) => line === "standby-took-over checks").length, 3);
    assert.equal(flapped.at(-1), "flapping-began ");
    wait(58_999);
    assert.deepEqual(takeTold(), []);
    wait(1);
    assert.deepEqual(takeTold(), ["workers ", "standby-gave-back time", "flapping-ended "]);
  });

  test("checks of a server that is drained change nothing, and its flapping lasts beyond the drain", () => {
    const { commit, check, wait, takeTold } = makeDirector();
    const drained = { one: { address: "127.0.0.1", admin: "drain" } };
    commit(SHOP);
    assert.deepEqual(commit(SHOP, drained), ["shop"]);
    takeTold();
    for (let count = 0; count < 8; count += 1) {
      check(1, false);
      check(1, true);
    }
    assert.deepEqual(takeTold(), []);
    assert.deepEqual(commit(SHOP), []);
    for (let count = 0; count < 3; count += 1) {
      check(1, false);
      check(1, true);
    }
    assert.deepEqual(commit(SHOP, drained), ["shop"]);
    assert.deepEqual(commit(SHOP), ["shop"]);
    wait(60_000);
    assert.deepEqual(takeTold().slice(-3), [
      ...["workers ", "standby-gave-back time", "flapping-ended "],
    ]);
  });

  test("a new director keeps a profile on standby until checks find its servers up", () => {
    const old = makeDirector();
    old.commit(SHOP);
    old.check(1, false);
    const { standby, commit, check, keyOf, takeTold, records } = makeDirector(old.records());
    assert.deepEqual(commit(SHOP), ["shop"]);
    assert.deepEqual(takeTold(), ["standby-took-over restart"]);
    assert.deepEqual(records(), old.records());
    for (const port of [80, 81]) {
      const listener = port === 80 ? FIRST : SECOND;
      assert.ok(standby.isPresumedDown(keyOf(`127.0.0.1:${port}`)));
      check(1, false, listener);
    }
    check(2, true);
    check(1, true);
    assert.deepEqual(takeTold(), []);
    check(1, true, SECOND);
    assert.deepEqual(takeTold(), ["workers ", "standby-gave-back checks"]);
  });

  test("what was saved of a profile that is gone, or that has other servers, is dropped", () => {
    const old = makeDirector();
    old.commit(SHOP);
    old.check(1, false);
    for (const profile of [{ servers: ["one"] }, { servers: ["three"], standby: ["two"] }]) {
      const { commit, records } = makeDirector(old.records());
      assert.deepEqual(commit(profile), []);
      assert.equal(records().size, 0);
    }
  });

  test("a director that stops switches nothing any more", () => {
    const { standby, commit, check, takeTold } = makeDirector();
    commit(SHOP);
    standby.close();
    check(1, false);
    assert.deepEqual(takeTold(), []);
  });
});
