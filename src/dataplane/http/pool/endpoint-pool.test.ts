import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EndpointPool, type IdleConnection } from "./endpoint-pool.ts";

class Idle implements IdleConnection {
  readonly name: string;
  idleSinceMs = 0;
  idleUntilMs = 0;
  idleBeforeMs = -1;
  isClosed = false;

  constructor(name: string) {
    this.name = name;
  }

  close(): void {
    this.isClosed = true;
  }
}

/** A pool with connections that became idle at 0, 1 and 2 ms. */
function poolOfThree(): { readonly pool: EndpointPool<Idle>; readonly all: readonly Idle[] } {
  const pool = new EndpointPool<Idle>();
  const all = ["first", "second", "third"].map((name) => new Idle(name));
  all.forEach((idle, at) => assert.ok(pool.put(idle, at, 4_000, 3)));
  return { pool, all };
}

const closedOf = (all: readonly Idle[]): readonly string[] =>
  all.filter(({ isClosed }) => isClosed).map(({ name }) => name);

describe("EndpointPool", () => {
  it("gives out the connection that was used last", () => {
    const { pool } = poolOfThree();
    assert.deepEqual(
      [pool.take(10), pool.take(10), pool.take(10), pool.take(10)].map((idle) => idle?.name),
      ["third", "second", "first", undefined],
    );
  });

  it("keeps no more than the limit, and none for longer than the limit", () => {
    const { pool, all } = poolOfThree();
    assert.equal(pool.put(new Idle("fourth"), 3, 4_000, 3), false);
    pool.closeAged(4_001);
    assert.deepEqual(closedOf(all), ["first", "second"]);
    assert.equal(pool.take(4_002), undefined);
    assert.deepEqual(closedOf(all), ["first", "second", "third"]);
  });

  it("uses connections for half of the time for which the endpoint keeps them", () => {
    const { pool, all } = poolOfThree();
    for (const idle of all) {
      pool.remove(idle);
      pool.learnFrom(idle, idle.idleSinceMs + 100);
    }
    const next = new Idle("next");
    assert.ok(pool.put(next, 200, 4_000, 9));
    assert.equal(next.idleUntilMs, 250);
  });

  it("does not use connections longer than the endpoint's Keep-Alive allows", () => {
    const pool = new EndpointPool<Idle>();
    assert.equal(pool.put(new Idle("none"), 0, 0, 9), false);
    const idle = new Idle("one");
    assert.ok(pool.put(idle, 0, 1_000, 9));
    assert.equal(pool.take(1_000), undefined);
    assert.ok(idle.isClosed);
  });

  it("closes what is idle and keeps nothing after it was retired", () => {
    const { pool, all } = poolOfThree();
    pool.retire();
    assert.deepEqual(closedOf(all), ["first", "second", "third"]);
    assert.equal(pool.put(new Idle("late"), 10, 4_000, 9), false);
  });
});
