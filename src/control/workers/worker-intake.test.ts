import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConnectionRecord } from "#model/records/connection-record.ts";
import type { ListenerMode } from "#model/listener-mode.ts";
import { CERTIFICATE_SLOTS, SLOTS } from "#model/records/metric-catalog.ts";
import { sampleConnection, sampleOpenConnection } from "#harness/sample-director.ts";
import { sampleLine } from "#harness/sample-lines.ts";
import { MAX_LINES_FRAMES_PER_SECOND } from "#protocol/line-frames.ts";
import type { SnapshotListener } from "#model/records/snapshot.ts";
import { vnicNameOf } from "#model/names.ts";
import { emptyCompiled } from "#harness/fake-pool.ts";
import { WorkerIntake } from "./worker-intake.ts";

const { listener: name } = sampleConnection;
const bare = {
  name,
  vnic: vnicNameOf("front", "shop"),
  endpoints: [{ kind: "tcp", server: "web-1", address: "127.0.0.1", port: 80, weight: 1 }],
  standby: [],
  certificates: ["shop"],
} as const;

function intakeWith(...accessLogs: readonly SnapshotListener["accessLog"][]): WorkerIntake {
  const intake = new WorkerIntake();
  for (const accessLog of accessLogs) {
    const listener = { ...bare, mode: "tcp", accessLog } as unknown as SnapshotListener;
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

test("access lines of requests are bounded in frames, and by how many are left out", () => {
  const intake = intakeWith("full");
  const listener = { ...bare, mode: "http", accessLog: "full", http: { accessLogFormat: "json" } };
  const listeners = [listener as unknown as SnapshotListener];
  intake.expect({ ...emptyCompiled(1).snapshot, listeners });
  const lines = Buffer.from(sampleLine({}, {}, name), "latin1");
  const most = 4 * MAX_LINES_FRAMES_PER_SECOND;
  for (let at = 0; at < most; at += 1) assert.ok("bytes" in intake.takeLines(lines));
  assert.match(JSON.stringify(intake.takeLines(lines)), /too many frames of lines/);
  intake.passTime(0.5);
  for (let at = 0; at < MAX_LINES_FRAMES_PER_SECOND - 1; at += 1) {
    assert.ok("bytes" in intake.takeLines(lines));
  }
  assert.match(JSON.stringify(intake.takeLines(lines)), /too many frames of lines/);
});

test("a worker that sends lines of no known form without an end is ended", () => {
  const intake = intakeWith("full");
  const garbage = Buffer.alloc(60_000, "\n");
  const taken = Array.from({ length: 40 }, () => Object.keys(intake.takeLines(garbage)).join());
  assert.equal(taken[0], "bytes,count,dropped");
  assert.equal(taken.at(-1), "objection");
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
    const listener = { ...bare, mode, accessLog: "off" } as unknown as SnapshotListener;
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

test("counts of a server are possible, and only of servers that the worker was told of", () => {
  const intake = intakeWith("off");
  const report = { vnic: bare.vnic, server: "web-1", openConnections: 0, failuresInARow: 0 };
  const take = (more: object) =>
    intake.take(
      { type: "servers", servers: [{ ...report, connects: 1, failures: 1, ...more }] },
      100,
    );
  assert.deepEqual(take({}), {
    message: { type: "servers", servers: [{ ...report, connects: 1, failures: 1 }] },
  });
  assert.deepEqual(take({ server: "web-2" }), { message: { type: "servers", servers: [] } });
  for (const more of [
    ...[{ openConnections: 1e9 }, { connects: 1e9 }, { failures: 1e9 }],
    { failuresInARow: 1e12 },
  ]) {
    assert.match(JSON.stringify(take(more)), /impossible counts of a server/);
  }
  assert.match(JSON.stringify(take({ lastFailure: "boredom" })), /unknown message/);
});

test("counts of a certificate are possible, and only of certificates that the worker was told of", () => {
  const intake = intakeWith("off");
  const countsOf = (amount: number) => Array.from({ length: CERTIFICATE_SLOTS.size }, () => amount);
  const take = (certificate: string, amount: number) => {
    const certificates = [{ name: certificate, counts: countsOf(amount) }];
    return intake.take({ type: "certificates", certificates }, 100);
  };
  assert.deepEqual(take("shop", 1), {
    message: { type: "certificates", certificates: [{ name: "shop", counts: countsOf(1) }] },
  });
  for (const unknown of ["pay", "__proto__", "other"]) {
    assert.deepEqual(take(unknown, 1), { message: { type: "certificates", certificates: [] } });
  }
  assert.match(JSON.stringify(take("shop", 1e9)), /impossible counts of a certificate/);
});

test("a list of connections is possible, and has only listeners that the worker was told of", () => {
  const intake = new WorkerIntake();
  const listener = { ...bare, mode: "tcp", accessLog: "off" } as unknown as SnapshotListener;
  const { snapshot } = emptyCompiled(1);
  intake.expect({ ...snapshot, listeners: [listener], maxConnections: 10 });
  const open = { ...sampleOpenConnection, ageMs: 1 };
  const take = (total: number, ...connections: readonly unknown[]) =>
    intake.take({ type: "connections", number: 1, total, connections }, 100);
  const message = { type: "connections", number: 1, total: 3, connections: [open] };
  const others = [
    { ...open, listener: "front.pay:1" },
    { ...open, serverName: "x".repeat(300) },
  ];
  assert.deepEqual(take(3, open, ...others), { message });
  assert.match(JSON.stringify(take(0, open)), /impossible list/);
  assert.match(JSON.stringify(take(1e9)), /impossible list/);
  for (const more of [{ ageMs: 1e12 }, { bytesToClient: 1e15 }, { toClientPerSecond: 1e15 }]) {
    assert.match(JSON.stringify(take(3, { ...open, ...more })), /impossible list/);
  }
  assert.match(
    JSON.stringify(take(3, ...Array.from({ length: 1_001 }, () => open))),
    /unknown message/,
  );
  const cut = JSON.stringify(intake.take({ type: "cut", number: 1, cut: 11 }, 100));
  assert.match(cut, /impossible number of cut/);
});
