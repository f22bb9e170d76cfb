import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConnectionRecord } from "#model/records/connection-record.ts";
import { sampleConnection } from "#harness/sample-director.ts";
import type { SnapshotListener } from "#model/records/snapshot.ts";
import { emptyCompiled } from "#harness/fake-pool.ts";
import { WorkerIntake } from "./worker-intake.ts";

function intakeWith(...accessLogs: readonly SnapshotListener["accessLog"][]): WorkerIntake {
  const intake = new WorkerIntake();
  for (const accessLog of accessLogs) {
    const listener = { name: sampleConnection.listener, accessLog } as SnapshotListener;
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
