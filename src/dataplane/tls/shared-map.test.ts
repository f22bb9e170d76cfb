import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Random } from "#harness/random.ts";
import { SharedMap } from "./shared-map.ts";

const keyOf = (at: number): string => `www-${at % 3}.site-${at}.example.org`;

describe("SharedMap", () => {
  it("holds what a map holds, after random changes of all sizes, and no earlier copy changes", (t) => {
    const random = new Random();
    t.diagnostic(`seed ${random.seed}`);
    let shared = new SharedMap<number>();
    const expected = new Map<string, number>();
    const earlier: { readonly map: SharedMap<number>; readonly entries: [string, number][] }[] = [];
    for (let round = 0; round < 60; round += 1) {
      const edit = shared.edit();
      for (let change = Math.floor(400 * random.next()); change > 0; change -= 1) {
        const key = keyOf(Math.floor(5_000 * random.next()));
        if (random.next() < 0.3) {
          edit.delete(key);
          expected.delete(key);
        } else {
          edit.set(key, change);
          expected.set(key, change);
        }
        assert.equal(edit.get(key), expected.get(key));
      }
      shared = edit.done();
      assert.equal(shared.size, expected.size);
      earlier.push({ map: shared, entries: [...expected] });
    }
    for (const { map, entries } of earlier) {
      for (const [key, value] of entries) assert.equal(map.get(key), value);
      assert.equal([...map.values()].length, entries.length);
    }
    assert.equal(shared.get("other.example.org"), undefined);
  });

  it("copies a small part of itself for a change of one entry", () => {
    const edit = new SharedMap<object>().edit();
    for (let at = 0; at < 30_000; at += 1) edit.set(keyOf(at), {});
    const before = edit.done();
    const one = before.edit();
    one.set(keyOf(7), {});
    assert.ok(one.copied > 0 && one.copied < 150, `${one.copied} of 30,000 entries`);
    const after = one.done();
    const changed = Array.from({ length: 30_000 }, (_, at) => keyOf(at)).filter(
      (key) => before.get(key) !== after.get(key),
    );
    assert.deepEqual(changed, [keyOf(7)]);
  });
});
