import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RecentMap } from "./recent-map.ts";

describe("RecentMap", () => {
  it("builds once for as long as it remembers, and forgets by use and not by age", () => {
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

  it("stays as it was where nothing could be built", () => {
    const map = new RecentMap<string, number>(1);
    map.use("a", () => 1);
    const fail = (): never => {
      throw new Error("no");
    };
    assert.throws(() => map.use("b", fail), /no/);
    assert.deepEqual([...map.values()], [1]);
  });

  it("lets go of what is not wanted", () => {
    const map = new RecentMap<number, number>(9);
    for (const key of [1, 2, 3]) map.use(key, () => key);
    map.deleteWhere((value) => value === 2);
    assert.deepEqual([...map.values()], [1, 3]);
    map.clear();
    assert.deepEqual([...map.values()], []);
  });
});
