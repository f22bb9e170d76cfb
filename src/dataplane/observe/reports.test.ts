import assert from "node:assert/strict";
import { test } from "node:test";
import { SLOTS, type ListenerMetricName } from "#model/records/metric-catalog.ts";
import type { CertificateName, ListenerName } from "#model/names.ts";
import { LIMITS_OF_WORKER, MAX_FRAME_BYTES_TO_CONTROL } from "#protocol/channel-limits.ts";
import { Channel } from "#protocol/channel.ts";
import type { ToControl } from "#protocol/messages.ts";
import { sampleConnection, sampleHandshake } from "#harness/sample-director.ts";
import { CertificateCounts } from "./certificate-counts.ts";
import { Counters, slotOf, type Slot } from "./counters.ts";
import { ServersFigures } from "./server-figures.ts";
import { Reports } from "./reports.ts";

type Message<Name extends ToControl["type"]> = Extract<ToControl, { readonly type: Name }>;

const NO_RECORDS = { handshakes: [], connections: [], dropped: 0 };

const beat = {
  type: "heartbeat",
  openConnections: 0,
  residentBytes: 1,
  loopDelayMs: 0,
} as const;

/**
 * Returns reports whose frames are added to a list if `isRead` is true. Otherwise they wait in the channel, up to its
 * limit.
 */
function makeReports() {
  const frames: Buffer[] = [];
  const pipe = {
    waitingBytes: 0,
    isRead: true,
    write(bytes: Buffer): boolean {
      frames.push(bytes);
      if (!this.isRead) this.waitingBytes += bytes.length;
      return true;
    },
    close: () => undefined,
  };
  const channel = new Channel<ToControl>(LIMITS_OF_WORKER, {
    onMessage: () => undefined,
    onMalformed: () => undefined,
    onClose: () => undefined,
  });
  channel.attach(pipe);
  const counters = new Counters();
  const certificates = new CertificateCounts();
  const reports = new Reports({
    channel,
    counters,
    servers: new ServersFigures(),
    certificates,
    countOpen() {},
    listenerNames: () => new Set(),
  });
  const sent = <Name extends ToControl["type"]>(type: Name): readonly Message<Name>[] =>
    frames
      .map((frame) => JSON.parse(frame.subarray(4).toString()) as ToControl)
      .filter((message): message is Message<Name> => message.type === type);
  return { reports, counters, certificates, pipe, frames, sent };
}

const listenerOf = (port: number): ListenerName => `front.shop:${port}` as ListenerName;

test("counts of 10,000 busy listeners are sent in messages of an allowed size", () => {
  const { reports, counters, frames, sent } = makeReports();
  for (let port = 1; port <= 10_000; port += 1) {
    for (let slot = 0; slot < SLOTS.size; slot += 1) {
      counters.of(listenerOf(port), "http").add(slot as Slot<ListenerMetricName>, 123_456_789);
    }
  }
  for (let second = 0; second < 20; second += 1) reports.beat(beat);
  assert.ok(frames.every((frame) => frame.length <= MAX_FRAME_BYTES_TO_CONTROL));
  const told = sent("counted").flatMap(({ listeners }) => Object.keys(listeners));
  assert.equal(new Set(told).size, 10_000);
  assert.equal(told.length, 10_000);
});

test("the counts of one second are bounded, and the rest is sent in the next second", () => {
  const { reports, counters, frames } = makeReports();
  for (let port = 1; port <= 10_000; port += 1) {
    for (let slot = 0; slot < SLOTS.size; slot += 1) {
      counters.of(listenerOf(port), "http").add(slot as Slot<ListenerMetricName>, 123_456_789);
    }
  }
  reports.beat(beat);
  const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
  assert.ok(bytes > 4_000_000 && bytes < 5_500_000, `${bytes}`);
});

test("records that do not fit into one message are sent in several", () => {
  const { reports, frames, sent } = makeReports();
  const wide = { ...sampleConnection, clientCertificate: "x".repeat(2_000) };
  const connections = Array.from({ length: 2_000 }, () => wide);
  const handshakes = Array.from({ length: 200 }, () => sampleHandshake);
  reports.events({ handshakes, connections, dropped: 3 });
  assert.ok(frames.every((frame) => frame.length <= MAX_FRAME_BYTES_TO_CONTROL + 4));
  const count = (field: "handshakes" | "connections"): number =>
    sent("events").reduce((sum, events) => sum + events[field].length, 0);
  assert.deepEqual([count("handshakes"), count("connections")], [200, 2_000]);
  assert.equal(
    sent("events").reduce((sum, { dropped }) => sum + dropped, 0),
    3,
  );
});

test("access lines that were lost are reported with the next heartbeat, or at the end", () => {
  const { reports, sent } = makeReports();
  reports.lost(3);
  reports.lost(4);
  assert.equal(sent("events").length, 0);
  reports.beat(beat);
  reports.lost(5);
  reports.last();
  reports.last();
  assert.deepEqual(
    sent("events").map(({ dropped }) => dropped),
    [7, 5],
  );
});

test("records above the bytes of one second are dropped and counted", () => {
  const { reports, sent, frames } = makeReports();
  const wide = { ...sampleConnection, clientCertificate: "x".repeat(4_000) };
  const connections = Array.from({ length: 2_000 }, () => wide);
  for (let flush = 0; flush < 5; flush += 1) {
    reports.events({ ...NO_RECORDS, connections });
  }
  assert.ok(frames.reduce((sum, frame) => sum + frame.length, 0) < 6_000_000);
  reports.beat(beat);
  const arrived = sent("events").reduce((sum, events) => sum + events.connections.length, 0);
  const dropped = sent("events").reduce((sum, events) => sum + events.dropped, 0);
  assert.equal(arrived + dropped, 10_000);
  assert.ok(dropped > 5_000);
});

test("a record that is too large for any message is dropped and counted", () => {
  const { reports, sent } = makeReports();
  const huge = { ...sampleConnection, clientCertificate: "x".repeat(2_000_000) };
  reports.events({ ...NO_RECORDS, connections: [sampleConnection, huge] });
  reports.beat(beat);
  assert.equal(sent("events")[0]?.connections.length, 1);
  assert.equal(sent("events").at(-1)?.dropped, 1);
});

test("without a reader, memory is bounded, records are dropped and no count is lost", () => {
  const { reports, counters, pipe, frames, sent } = makeReports();
  pipe.isRead = false;
  const connections = Array.from({ length: 2_000 }, () => sampleConnection);
  const accepted = slotOf("tlsd_connections_accepted_total");
  for (let second = 0; second < 600; second += 1) {
    counters.of(listenerOf(1), "tcp").add(accepted);
    reports.events({ ...NO_RECORDS, connections });
    reports.beat(beat);
  }
  assert.ok(pipe.waitingBytes < 6_000_000, `${pipe.waitingBytes}`);
  pipe.waitingBytes = 0;
  pipe.isRead = true;
  reports.beat(beat);
  const counted = sent("counted").map(({ listeners }) => listeners[listenerOf(1)]?.[1] ?? 0);
  assert.equal(
    counted.reduce((sum, amount) => sum + amount, 0),
    600,
  );
  const arrived = sent("events").reduce((sum, events) => sum + events.connections.length, 0);
  const dropped = sent("events").reduce((sum, events) => sum + events.dropped, 0);
  assert.equal(arrived + dropped, 1_200_000);
  assert.ok(frames.length > 0);
});

test("a flood of notices is limited to a few each second", () => {
  const { reports, sent } = makeReports();
  for (let count = 0; count < 1_000; count += 1) {
    reports.notice({ type: "notice", level: "error", text: "x" });
  }
  assert.equal(sent("notice").length, 20);
  reports.beat(beat);
  reports.notice({ type: "notice", level: "error", text: "x" });
  assert.equal(sent("notice").length, 21);
});

test("the counts of 10,000 certificates are sent once, in messages of an allowed size", () => {
  const { reports, certificates, frames, sent } = makeReports();
  const nameOf = (at: number): CertificateName =>
    `${at}.${"x".repeat(240)}.example` as CertificateName;
  for (let at = 0; at < 10_000; at += 1) {
    certificates.completed(nameOf(at), false);
    certificates.failed(nameOf(at), "unknown_ca");
  }
  for (let second = 0; second < 3; second += 1) reports.beat(beat);
  assert.ok(frames.every((frame) => frame.length < 256 * 1024));
  const told = sent("certificates").flatMap(({ certificates: each }) => each);
  assert.equal(new Set(told.map(({ name }) => name)).size, 10_000);
  assert.equal(told.length, 10_000);
  assert.deepEqual(told[0]?.counts.slice(0, 8), [1, 0, 0, 0, 0, 0, 0, 1]);
});
