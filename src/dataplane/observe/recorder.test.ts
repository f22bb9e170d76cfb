import assert from "node:assert/strict";
import { test } from "node:test";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import { HANDSHAKE_FAILURE_NAMES } from "#model/records/outcome.ts";
import { listenerNameOf, vnicNameOf } from "#model/names.ts";
import { sampleConnection, sampleHandshake } from "#harness/sample-director.ts";
import { Recorder, type Events } from "./recorder.ts";

function makeRecorder() {
  const sent: Events[] = [];
  return { recorder: new Recorder((events) => sent.push(events)), sent };
}

const listenerOf = (port: number) => listenerNameOf(vnicNameOf("front", "shop"), port);

test("a rare cause and a quiet listener are kept in a flood of another kind", () => {
  const { recorder, sent } = makeRecorder();
  const flood: HandshakeRecord = { ...sampleHandshake, failure: "deadline" };
  for (let at = 0; at < 50_000; at += 1) recorder.handshakeFailed(flood);
  for (let at = 0; at < 9; at += 1) {
    recorder.handshakeFailed({ ...sampleHandshake, failure: "no-shared-cipher" });
    recorder.handshakeFailed({ ...flood, listener: listenerOf(9443) });
  }
  recorder.flush();
  const [events] = sent;
  const count = (failure: string, port: number): number =>
    events?.handshakes.filter(
      (record) => record.failure === failure && record.listener === listenerOf(port),
    ).length ?? 0;
  assert.equal(count("deadline", 8443), 200);
  assert.equal(count("no-shared-cipher", 8443), 5);
  assert.equal(count("deadline", 9443), 5);
  assert.equal(events?.dropped, 50_018 - 210);
});

test("the quotas begin again with each flush, and are bounded in all", () => {
  const { recorder, sent } = makeRecorder();
  for (let round = 0; round < 2; round += 1) {
    for (let port = 1; port <= 1_000; port += 1) {
      for (const failure of HANDSHAKE_FAILURE_NAMES) {
        recorder.handshakeFailed({ ...sampleHandshake, failure, listener: listenerOf(port) });
      }
    }
    recorder.flush();
  }
  assert.deepEqual(
    sent.map(({ handshakes }) => handshakes.length),
    [1_000, 1_000],
  );
});

test("access lines of connections are bounded in each flush, and the rest is counted", () => {
  const { recorder, sent } = makeRecorder();
  for (let at = 0; at < 3_000; at += 1) recorder.connectionEnded(sampleConnection);
  recorder.flush();
  recorder.connectionEnded(sampleConnection);
  recorder.flush();
  const counts = sent.map(({ connections, dropped }) => [connections.length, dropped]);
  assert.deepEqual(counts, [
    [2_000, 1_000],
    [1, 0],
  ]);
});
