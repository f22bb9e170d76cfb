import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import { HANDSHAKE_FAILURE_NAMES, type HandshakeFailure } from "#model/records/outcome.ts";
import { listenerNameOf, vnicNameOf } from "#model/names.ts";
import { sampleHandshake } from "#harness/sample-director.ts";
import { KeptHandshakes } from "./kept-handshakes.ts";

const MIB = 1_048_576;
const vnic = vnicNameOf("front", "shop");

const failed = (
  failure: HandshakeFailure,
  port: number,
  atMs: number,
  more: Partial<HandshakeRecord> = {},
): HandshakeRecord => ({
  ...sampleHandshake,
  ...more,
  ...{ failure, atMs, listener: listenerNameOf(vnic, port) },
});

const timesOf = (kept: KeptHandshakes, failure: HandshakeFailure, port: number) =>
  Array.from(kept.all()).flatMap(({ failure: cause, listener, atMs }) =>
    cause === failure && listener === listenerNameOf(vnic, port) ? [atMs] : [],
  );

/** A record as large as a worker may send it. Its strings are parsed, as those of workers are. */
function largest(failure: HandshakeFailure, port: number, atMs: number): HandshakeRecord {
  const character = "\u00e9\u4e2d";
  const text = JSON.stringify(
    failed(failure, port, atMs, {
      detail: character.repeat(2_048),
      serverName: character.repeat(127),
      alert: character.repeat(64),
      proxyAddress: character.repeat(64),
      clientAddress: `${character.repeat(60)}${atMs}`,
      alpn: Array.from({ length: 10 }, (_, at) => character.repeat(60) + at),
      offeredVersions: Array.from({ length: 10 }, (_, at) => character.repeat(60) + at),
    }),
  );
  return JSON.parse(text) as HandshakeRecord;
}

test("50,000 of one kind displace only the oldest of their own kind", () => {
  const kept = new KeptHandshakes();
  for (let atMs = 0; atMs < 5; atMs += 1) kept.add(failed("no-shared-cipher", 1, atMs));
  for (let atMs = 0; atMs < 50_000; atMs += 1) kept.add(failed("deadline", 2, atMs));
  kept.add(failed("deadline", 1, 7));
  assert.deepEqual(timesOf(kept, "no-shared-cipher", 1), [0, 1, 2, 3, 4]);
  assert.deepEqual(timesOf(kept, "deadline", 1), [7]);
  const flood = timesOf(kept, "deadline", 2);
  assert.equal(flood.length, 19_994);
  assert.deepEqual([flood[0], flood.at(-1)], [30_006, 49_999]);
});

test("of two floods, the larger one gives way until both are equal", () => {
  const kept = new KeptHandshakes();
  for (let atMs = 0; atMs < 20_000; atMs += 1) kept.add(failed("deadline", 1, atMs));
  for (let atMs = 0; atMs < 15_000; atMs += 1) kept.add(failed("reset", 1, atMs));
  assert.equal(timesOf(kept, "deadline", 1).length, 10_000);
  assert.equal(timesOf(kept, "reset", 1).length, 10_000);
});

test("the largest records in the most groups use at most 32 MiB, and 5 of each group stay", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const kept = new KeptHandshakes();
  collect();
  const before = process.memoryUsage();
  const causes = HANDSHAKE_FAILURE_NAMES.slice(0, 20);
  for (let atMs = 0; atMs < 8; atMs += 1) {
    for (let port = 1; port <= 100; port += 1) {
      for (const cause of causes) kept.add(largest(cause, port, atMs));
    }
  }
  for (let atMs = 0; atMs < 2_000; atMs += 1) kept.add(largest("deadline", 1, atMs));
  collect();
  const after = process.memoryUsage();
  const grown = after.heapUsed + after.external - before.heapUsed - before.external;
  assert.ok(kept.bytes <= 32 * MIB, `${kept.bytes} bytes are counted`);
  assert.ok(kept.bytes > 24 * MIB, `only ${kept.bytes} bytes are counted`);
  assert.ok(grown <= kept.bytes * 1.1, `${grown} bytes are used, ${kept.bytes} are counted`);
  for (const cause of causes) {
    const { length } = timesOf(kept, cause, 50);
    assert.ok(length >= 5, `${length} of ${cause} are left`);
  }
});

test("no more than 2,000 groups are kept, and the one that is stale longest goes first", () => {
  const kept = new KeptHandshakes();
  for (let port = 1; port <= 2_000; port += 1) kept.add(failed("reset", port, port));
  kept.add(failed("reset", 1, 3_000));
  kept.add(failed("closed", 1, 3_001));
  assert.deepEqual(timesOf(kept, "reset", 1), [1, 3_000]);
  assert.deepEqual(timesOf(kept, "reset", 2), []);
  assert.deepEqual(timesOf(kept, "reset", 3), [3]);
});
