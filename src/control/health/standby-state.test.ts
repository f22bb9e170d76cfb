import assert from "node:assert/strict";
import { test } from "node:test";
import type { Failback } from "#model/document/profile.ts";
import {
  firstState,
  givenBack,
  nextState,
  turnOf,
  type Need,
  type StandbyState,
} from "./standby-state.ts";

/** A profile whose servers are up at time 0. */
function makeProfile(failback: Failback = "auto") {
  let nowMs = 0;
  let state: StandbyState = firstState(
    { need: "servers", reason: undefined, failback, mayUseStandby: true },
    nowMs,
  );
  const see = (need: Need, afterMs: number, cause: "checks" | "change" | "time" = "checks") => {
    nowMs += afterMs;
    const seen = { need, reason: "web-1 is down.", failback, mayUseStandby: true };
    state = nextState(state, seen, cause, nowMs);
    return state;
  };
  /** Each is down for a second, then up for a second. */
  const flap = (times: number): StandbyState => {
    for (let count = 0; count < times; count += 1) {
      see("standby", 1_000);
      see("servers", 1_000);
    }
    return state;
  };
  return { see, flap, giveBack: () => (state = givenBack(state, nowMs)) };
}

test("standby takes over when it is needed, with the reason, and gives back as soon as a server is up", () => {
  const { see } = makeProfile();
  const down = see("standby", 5_000);
  assert.deepEqual([down.isOnStandby, down.sinceMs, down.reason], [true, 5_000, "web-1 is down."]);
  const up = see("servers", 1_000);
  assert.deepEqual([up.isOnStandby, up.sinceMs, up.reason], [false, 6_000, undefined]);
});

test("nothing changes while neither the servers nor the standby servers can serve", () => {
  const { see } = makeProfile();
  assert.equal(see("none", 1_000).isOnStandby, false);
  assert.equal(see("standby", 1_000).isOnStandby, true);
  const { isOnStandby, sinceMs } = see("none", 1_000);
  assert.deepEqual([isOnStandby, sinceMs], [true, 2_000]);
});

test("with manual failback, only an operator gives back", () => {
  const { see, giveBack } = makeProfile("manual");
  see("standby", 1_000);
  assert.equal(see("servers", 3_600_000).isOnStandby, true);
  assert.equal(giveBack().isOnStandby, false);
  assert.equal(see("servers", 1_000).isOnStandby, false);
});

test("servers that change more than five times in five minutes serve again after a minute without a break", () => {
  const { see, flap } = makeProfile();
  assert.equal(flap(2).isFlapping, false);
  // The fifth change.
  assert.equal(see("standby", 1_000).isFlapping, false);
  const sixth = see("servers", 1_000);
  assert.deepEqual([sixth.isFlapping, sixth.isOnStandby], [true, true]);
  assert.equal(see("servers", 59_999, "time").isOnStandby, true);
  // The break starts the minute again.
  see("standby", 0);
  const up = see("servers", 1_000);
  assert.equal(turnOf(up), up.turnedMs + 60_000);
  assert.equal(see("servers", 59_999, "time").isOnStandby, true);
  const steady = see("servers", 1, "time");
  assert.deepEqual([steady.isFlapping, steady.isOnStandby], [false, false]);
  assert.equal(turnOf(steady), undefined);
  assert.equal(see("standby", 1_000).isFlapping, false);
});

test("changes that are older than five minutes do not count, and those before a steady minute do", () => {
  const { see, flap } = makeProfile();
  flap(2);
  see("standby", 290_000);
  assert.equal(see("servers", 1_000).isFlapping, true);
  const other = makeProfile();
  other.flap(2);
  other.see("standby", 299_000);
  assert.equal(other.see("servers", 1_000).isFlapping, false);
});

test("what operators change does not count as flapping", () => {
  const { see } = makeProfile();
  for (let count = 0; count < 10; count += 1) {
    assert.equal(see("standby", 1_000, "change").isOnStandby, true);
    assert.equal(see("servers", 1_000, "change").isOnStandby, false);
  }
});

test("a flapping profile whose servers are up is given back by an operator, and is then not flapping", () => {
  const { flap, giveBack } = makeProfile();
  assert.equal(flap(3).isFlapping, true);
  const { isFlapping, isOnStandby } = giveBack();
  assert.deepEqual([isFlapping, isOnStandby], [false, false]);
  assert.equal(flap(2).isFlapping, false);
});
