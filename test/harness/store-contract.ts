/** What every adapter of the store must do: `src/control/state/store.ts`, sentence by sentence. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  MAX_NOTE_BYTES,
  MAX_OPERATIONS,
  MAX_PUT_BYTES,
  UNREFERENCED_MS,
  type Head,
  type Store,
} from "#control/state/store.ts";
import { valueHashOf } from "#control/state/tree/value-hash.ts";
import { withDeadline } from "./deadline.ts";

/** Opens an empty store whose clock is `nowMs`. It is closed when the test ends. */
export type OpenStore = (nowMs: () => number) => Promise<Store>;

const deadlineMs = 20_000;

export const headOf = (line: string, number: number, rest: Partial<Head> = {}): Head => ({
  line,
  number,
  parent: number - 1,
  at: "2026-01-02T03:04:05.006Z",
  roots: {},
  schema: 2,
  writtenBy: "0.0.0",
  note: {},
  ...rest,
});

export function describeStore(name: string, openStore: OpenStore): void {
  const open = (): Promise<Store> => openStore(Date.now);

  describe(name, () => {
    it("starts empty, with an id that no other store has", async () => {
      const [store, other] = [await open(), await open()];
      assert.equal(await store.head("a"), undefined);
      assert.deepEqual(await store.heads("a", Number.MAX_SAFE_INTEGER, 1), []);
      assert.deepEqual(await store.lines(), []);
      assert.equal(await store.id(), await store.id());
      assert.notEqual(await store.id(), await other.id());
    });

    it("gives back values by their hashes, and leaves out those that it does not have", async () => {
      const store = await open();
      const values = ["a", "", "ä\u{1F512}\u0000", '{"b":1}'];
      await store.put(values);
      await store.put(values);
      const hashes = values.map(valueHashOf);
      const found = await store.values([...hashes, valueHashOf("other")]);
      assert.deepEqual(found, new Map(hashes.map((hash, at) => [hash, values[at]])));
    });

    it("adds a head only to the head that it replaces", async () => {
      const store = await open();
      const first = headOf("a", 1, { note: { by: { origin: "socket" }, reason: "\u0000ä" } });
      assert.equal(await store.advance([first]), true);
      assert.deepEqual(await store.head("a"), first);
      assert.equal(await store.advance([headOf("a", 1)]), false);
      assert.equal(await store.advance([headOf("a", 3)]), false);
      assert.equal(await store.advance([headOf("a", 2)]), true);
      // A number may be left out.
      assert.equal(await store.advance([headOf("a", 9, { parent: 2 })]), true);
      assert.equal((await store.head("a"))?.number, 9);
      assert.equal(await store.head("b"), undefined);
    });

    it("takes the heads of several lines together or none of them", async () => {
      const store = await open();
      await store.advance([headOf("a", 1)]);
      assert.equal(await store.advance([headOf("b", 1), headOf("a", 1)]), false);
      assert.deepEqual(await store.lines(), ["a"]);
      assert.equal(await store.advance([headOf("b", 1), headOf("a", 2)]), true);
      assert.deepEqual(await store.lines(), ["a", "b"]);
    });

    it("takes any head on a line without heads, so that a history can be copied", async () => {
      const store = await open();
      assert.equal(await store.advance([headOf("a", 7)]), true);
      assert.equal(await store.advance([headOf("a", 8)]), true);
    });

    it("lets one of many win that replace the same head", async () => {
      const store = await open();
      const tries = Array.from({ length: 20 }, (_, at) =>
        store.advance([headOf("a", 1, { note: { at } })]),
      );
      assert.equal((await Promise.all(tries)).filter(Boolean).length, 1);
    });

    it("lists the heads of a line, the newest first", async () => {
      const store = await open();
      for (let number = 1; number <= 5; number += 1) await store.advance([headOf("a", number)]);
      const numbers = async (before: number, limit: number): Promise<readonly number[]> =>
        (await store.heads("a", before, limit)).map((head) => head.number);
      assert.deepEqual(await numbers(Number.MAX_SAFE_INTEGER, 3), [5, 4, 3]);
      assert.deepEqual(await numbers(3, 128), [2, 1]);
      assert.deepEqual(await numbers(1, 128), []);
    });

    it("forgets old heads and never the newest", async () => {
      const store = await open();
      for (let number = 1; number <= 4; number += 1) await store.advance([headOf("a", number)]);
      await store.advance([headOf("b", 1)]);
      await store.forget("a", 2);
      const left = await store.heads("a", 9, 128);
      assert.deepEqual(
        left.map(({ number }) => number),
        [4, 3],
      );
      await store.forget("a", 99);
      await store.forget("none", 99);
      assert.equal((await store.head("a"))?.number, 4);
      assert.equal(await store.advance([headOf("a", 5)]), true);
      assert.equal((await store.head("b"))?.number, 1);
    });

    it("discards only values that were last put long ago", async () => {
      let nowMs = 1_000_000_000_000;
      const store = await openStore(() => nowMs);
      const [old, again, fresh] = ["old", "again", "fresh"].map(valueHashOf);
      const all = [old, again, fresh].filter((hash) => hash !== undefined);
      await store.put(["old", "again"]);
      assert.deepEqual(await store.oldValues(""), []);
      nowMs += UNREFERENCED_MS;
      await store.put(["again", "fresh"]);
      assert.deepEqual(await store.oldValues(""), [old]);
      await store.discard(all);
      assert.deepEqual([...(await store.values(all)).values()].toSorted(), ["again", "fresh"]);
      nowMs += UNREFERENCED_MS;
      const both = [again, fresh].map(String).toSorted();
      assert.deepEqual(await store.oldValues(""), both);
      assert.deepEqual(await store.oldValues(both[0] ?? ""), both.slice(1));
    });

    it("erases values at once, and no others", async () => {
      const store = await open();
      await store.put(["erased", "kept"]);
      await store.erase(["erased", "never put"]);
      await store.erase([]);
      const hashes = ["erased", "kept"].map(valueHashOf);
      assert.deepEqual([...(await store.values(hashes)).values()], ["kept"]);
      await store.put(["erased"]);
      assert.equal((await store.values(hashes)).size, 2);
    });

    it("lists at most 128 old values", async () => {
      let nowMs = 0;
      const store = await openStore(() => nowMs);
      const values = Array.from({ length: 130 }, (_, at) => `value ${at}`);
      await store.put(values.slice(0, MAX_OPERATIONS));
      await store.put(values.slice(MAX_OPERATIONS));
      nowMs += UNREFERENCED_MS;
      const first = await store.oldValues("");
      assert.equal(first.length, MAX_OPERATIONS);
      const rest = await store.oldValues(first.at(-1) ?? "");
      assert.deepEqual([...first, ...rest], values.map(valueHashOf).toSorted());
    });

    it("refuses what exceeds the limits of a call", async () => {
      const store = await open();
      const many = Array.from({ length: MAX_OPERATIONS + 1 }, (_, at) => String(at));
      const half = "x".repeat(MAX_PUT_BYTES / 2);
      const note = (length: number): Head => headOf("n", 1, { note: { n: "x".repeat(length) } });
      const noteLength = MAX_NOTE_BYTES - '{"n":""}'.length;
      for (const refused of [
        () => store.put(many),
        () => store.put([half, half, "x"]),
        () => store.put(["ä".repeat(MAX_PUT_BYTES / 2 + 1)]),
        () => store.values(many),
        () => store.discard(many),
        () => store.erase(many),
        () => store.heads("a", 1, MAX_OPERATIONS + 1),
        () => store.heads("a", 1, 0),
        () => store.advance(many.map((line) => headOf(line, 1))),
        () => store.advance([note(noteLength + 1)]),
        () => store.advance([headOf("a", 1), headOf("a", 2)]),
        () => store.advance([headOf("a", 0)]),
        () => store.advance([headOf("a", 2, { parent: 2 })]),
        () => store.advance([headOf("a", 1.5, { parent: 1 })]),
      ]) {
        await assert.rejects(refused, RangeError);
      }
      await store.put(many.slice(1));
      await store.put([half, half]);
      assert.equal((await store.values(many.slice(1).map(valueHashOf))).size, MAX_OPERATIONS);
      assert.equal(await store.advance([note(noteLength)]), true);
      assert.equal(await store.advance(many.slice(1).map((line) => headOf(line, 1))), true);
    });

    it("shows each new head of a line to those who watch it, in order, until they stop", async () => {
      const store = await open();
      await store.advance([headOf("a", 1)]);
      await store.advance([headOf("a", 2)]);
      const stop = new AbortController();
      const seen: number[] = [];
      const watching = (async () => {
        for await (const { number } of store.watch("a", 1, stop.signal)) {
          seen.push(number);
          if (number === 2) await store.advance([headOf("b", 1)]);
          if (number < 5) await store.advance([headOf("a", number + 1)]);
          else stop.abort();
        }
      })();
      await withDeadline(watching, deadlineMs, "the end of the watch");
      assert.deepEqual(seen, [2, 3, 4, 5]);
    });

    it("lets a watch end that waits", async () => {
      const store = await open();
      const stop = new AbortController();
      const next = store.watch("a", 0, stop.signal)[Symbol.asyncIterator]().next();
      await store.id();
      stop.abort();
      assert.equal((await withDeadline(next, deadlineMs, "the end")).done, true);
    });
  });
}
