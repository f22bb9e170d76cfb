import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ListenerName, VnicName } from "#model/names.ts";
import type { SnapshotVnic } from "#model/records/snapshot.ts";
import type { Runtime } from "./build-runtime.ts";
import type { ListenerRules } from "./listener-rules.ts";
import { LiveListeners, type LiveListener } from "./live-listeners.ts";
import { Counters } from "./observe/counters.ts";

const vnic = "front.shop" as VnicName;
const limits: SnapshotVnic = {
  name: vnic,
  maxConnections: undefined,
  handshakesPerSecond: undefined,
  handshakesPerSecondPerAddress: undefined,
};

const rulesOf = (name: string, mode = "tcp"): ListenerRules =>
  ({ spec: { name, vnic, mode } }) as unknown as ListenerRules;

const runtimeOf = (...rules: readonly ListenerRules[]): Runtime => ({
  number: 1,
  listeners: new Map(rules.map((each): [ListenerName, ListenerRules] => [each.spec.name, each])),
  certificates: new Map(),
  maxConnections: 1,
  relayMemoryBytes: 1,
  vnics: new Map(rules.length === 0 ? [] : [[limits.name, limits]]),
});

function build(): {
  readonly listeners: LiveListeners;
  readonly forgotten: () => number;
  readonly only: () => LiveListener;
} {
  let forgotten = 0;
  const listeners = new LiveListeners(new Counters(), () => {
    forgotten += 1;
  });
  const only = (): LiveListener => {
    const [first, ...others] = listeners.current();
    assert.ok(first !== undefined && others.length === 0);
    return first;
  };
  return { listeners, forgotten: () => forgotten, only };
}

describe("LiveListeners", () => {
  it("gives the same listener its newest rules", () => {
    const { listeners, only } = build();
    listeners.commit(runtimeOf(rulesOf("a")));
    const live = only();
    const newest = rulesOf("a");
    listeners.commit(runtimeOf(newest));
    assert.equal(only(), live);
    assert.equal(live.rules, newest);
  });

  it("keeps the rules of a departed listener until its last pending connection is settled", () => {
    const { listeners, only, forgotten } = build();
    const rules = rulesOf("a");
    listeners.commit(runtimeOf(rules));
    const live = only();
    live.pendingConnections = 2;
    listeners.commit(runtimeOf());
    assert.deepEqual([...listeners.current()], []);
    assert.deepEqual([...listeners.rulesInUse()], [rules]);
    live.settleOne();
    assert.deepEqual([[...listeners.rulesInUse()], forgotten()], [[rules], 0]);
    live.settleOne();
    assert.deepEqual([[...listeners.rulesInUse()], forgotten()], [[], 1]);
  });

  it("forgets a departed listener without pending connections immediately", () => {
    const { listeners } = build();
    listeners.commit(runtimeOf(rulesOf("a")));
    listeners.commit(runtimeOf());
    assert.deepEqual([...listeners.rulesInUse()], []);
  });

  it("uses a departed listener again if it returns to the document", () => {
    const { listeners, only, forgotten } = build();
    listeners.commit(runtimeOf(rulesOf("a")));
    const live = only();
    live.pendingConnections = 1;
    listeners.commit(runtimeOf());
    const newest = rulesOf("a");
    listeners.commit(runtimeOf(newest));
    assert.equal(only(), live);
    assert.equal(live.rules, newest);
    live.settleOne();
    assert.equal(forgotten(), 0);
  });

  it("builds a new listener if the mode changes", () => {
    const { listeners, only } = build();
    const before = rulesOf("a");
    listeners.commit(runtimeOf(before));
    const live = only();
    live.pendingConnections = 1;
    listeners.commit(runtimeOf(rulesOf("a", "redirect")));
    assert.notEqual(only(), live);
    assert.equal(live.rules, before);
    assert.equal([...listeners.rulesInUse()].length, 2);
  });
});
