import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "#harness/random.ts";
import { keysThatDiffer, withPatches } from "./patched-map.ts";

test("a map with patches is the map that copies would make", () => {
  const random = new Random(52);
  const plain = new Map(Array.from({ length: 500 }, (_, at) => [`key ${at}`, `value ${at}`]));
  let patched: ReadonlyMap<string, string> = new Map(plain);
  for (let round = 0; round < 600; round += 1) {
    const key = `key ${random.size(1, 600) - 1}`;
    const value = random.next() < 0.3 ? undefined : `round ${round}`;
    patched = withPatches(patched, [[key, value]]);
    if (value === undefined) plain.delete(key);
    else plain.set(key, value);
    assert.equal(patched.size, plain.size);
    assert.equal(patched.get(key), value);
    assert.equal(patched.has(key), value !== undefined);
  }
  const sorted = (entries: Iterable<readonly [string, string]>) =>
    [...entries].map(([key, value]) => `${key}: ${value}`).toSorted();
  assert.deepEqual(sorted(patched), sorted(plain));
  assert.deepEqual([...patched.keys()].toSorted(), [...plain.keys()].toSorted());
  assert.deepEqual([...patched.values()].toSorted(), [...plain.values()].toSorted());
  const visited: [string, string][] = [];
  for (const entry of patched) visited.push(entry);
  assert.deepEqual(sorted(visited), sorted(plain));
});

test("the differing keys of two maps are those that were patched since", () => {
  const first = new Map([
    ["a", "1"],
    ["b", "2"],
    ["c", "3"],
  ]);
  const second = withPatches(first, [["b", "new"]]);
  const third = withPatches(second, [
    ["c", undefined],
    ["d", "4"],
  ]);
  assert.deepEqual(keysThatDiffer(first, second), ["b"]);
  assert.deepEqual(keysThatDiffer(second, third), ["c", "d"]);
  assert.deepEqual(keysThatDiffer(first, withPatches(second, [["b", "2"]])), []);
  assert.deepEqual(keysThatDiffer(third, third), []);
  assert.equal(keysThatDiffer(first, new Map(first)), undefined);
  assert.equal(withPatches(first, []), first);
});

test("replacing an entry copies those that were replaced before, and not the whole map", () => {
  const whole = new Map(Array.from({ length: 10_000 }, (_, at) => [at, `${at}`]));
  let visited = 0;
  const counted = Object.assign(whole, {
    [Symbol.iterator](): MapIterator<[number, string]> {
      visited += 1;
      return Map.prototype.entries.call(whole) as MapIterator<[number, string]>;
    },
  });
  let map: ReadonlyMap<number, string> = counted;
  for (let at = 0; at < 256; at += 1) {
    const next = withPatches(map, [[at, "new"]]);
    assert.deepEqual(keysThatDiffer(map, next), [at]);
    map = next;
  }
  assert.equal(visited, 0);
  map = withPatches(map, [[256, "new"]]);
  assert.equal(visited, 1);
  assert.equal(map.get(255), "new");
});
