import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConnectionRecord } from "#model/records/connection-record.ts";
import type { ListenerMode } from "#model/listener-mode.ts";
import { SLOTS } from "#model/records/metric-catalog.ts";
import { sampleConnection } from "#harness/sample-director.ts";
import type { SnapshotListener } from "#model/records/snapshot.ts";
import { emptyCompiled } from "#harness/fake-pool.ts";
import { WorkerIntake } from "./worker-intake.ts";

const { listener: name } = sampleConnection;

function intakeWith(...accessLogs: readonly SnapshotListener["accessLog"][]): WorkerIntake {
  const intake = new WorkerIntake();
  for (const accessLog of accessLogs) {
    const listener = { name, mode: "tcp", accessLog } as SnapshotListener;
    intake.expect({ ...emptyCompiled(1).snapshot, listeners: [listener] });
  }
  return intake;
}

const eventsOf = (record: ConnectionRecord): object => ({
  type: "events",
  handshakes: [],
  connections: [record],
  dropped: 0,
});

test("a worker sends no access line for a listener that has none", () => {
  const line = eventsOf(sampleConnection);
  assert.match(JSON.stringify(intakeWith("off").take(line, 100)), /access line for a listener/);
  assert.ok("message" in intakeWith("sampled").take(line, 100));
  // A connection that was accepted before the document changed keeps its line.
  assert.ok("message" in intakeWith("full", "off").take(line, 100));
  const failed = eventsOf({ ...sampleConnection, outcome: "endpoint-failed" });
  assert.ok("message" in intakeWith("off").take(failed, 100));
});

test("a worker counts only what the modes of a listener carry, of those that the worker was told of", () => {
  const intake = new WorkerIntake();
  const expectMode = (mode: ListenerMode): void => {
    const listener = { name, mode, accessLog: "off" } as SnapshotListener;
    intake.expect({ ...emptyCompiled(1).snapshot, listeners: [listener] });
  };
  const { tlsd_handshakes_total: handshakes, tlsd_connections_accepted_total: accepted } =
    SLOTS.firstSlot;
  const take = (slot: number) =>
    intake.take({ type: "counted", listeners: { [name]: [slot, 1] } }, 100);
  expectMode("redirect");
  assert.ok("message" in take(accepted));
  assert.match(
    JSON.stringify(take(handshakes)),
    new RegExp(`impossible count: slot ${handshakes}`),
  );
  expectMode("tcp");
  assert.ok("message" in take(handshakes));
  // Connections of the mode before may still be open.
  expectMode("redirect");
  assert.ok("message" in take(handshakes));
  assert.ok("message" in take(accepted));
});
