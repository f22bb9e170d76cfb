import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RecentMap } from "./recent-map.ts";

describe("RecentMap", () => {
  it("builds a value once while it is kept, and drops the least recently used, not the oldest", () => {
    const map = new RecentMap<string, string>(2);
    const built: string[] = [];
    const use = (key: string): string =>
      map.use(key, () => {
        built.push(key);
        return key;
      });
    for (const key of ["a", "b", "a", "c", "a", "b"]) assert.equal(use(key), key);
    assert.deepEqual(built, ["a", "b", "c", "b"]);
    assert.deepEqual([...map.values()], ["a", "b"]);
  });

  it("does not change if a value cannot be built", () => {
    const map = new RecentMap<string, number>(1);
    map.use("a", () => 1);
    const fail = (): never => {
      throw new Error("no");
    };
    assert.throws(() => map.use("b", fail), /no/);
    assert.deepEqual([...map.values()], [1]);
  });

  it("drops as many as needed to stay within a limit of weight, and keeps the newest if it alone is heavier", () => {
    const map = new RecentMap<string, number>(10, (weight) => weight);
    for (const [key, weight] of [
      ["a", 4],
      ["b", 4],
      ["a", 4],
      ["c", 6],
    ] as const) {
      map.use(key, () => weight);
    }
    assert.deepEqual([[...map.values()], map.weight], [[4, 6], 10]);
    map.use("d", () => 11);
    assert.deepEqual([[...map.values()], map.weight], [[11], 11]);
    map.use("e", () => 1);
    assert.deepEqual([[...map.values()], map.weight], [[1], 1]);
    map.deleteWhere(() => true);
    assert.equal(map.weight, 0);
  });

  it("deletes the entries that match", () => {
    const map = new RecentMap<number, number>(9);
    for (const key of [1, 2, 3]) map.use(key, () => key);
    map.deleteWhere((value) => value === 2);
    assert.deepEqual([...map.values()], [1, 3]);
    map.clear();
    assert.deepEqual([...map.values()], []);
  });
});
