import assert from "node:assert/strict";
import { test } from "node:test";
import type { ListenerMode } from "#model/listener-mode.ts";
import { SLOTS } from "#model/records/metric-catalog.ts";
import { listenerNameOf, vnicNameOf, type ListenerName } from "#model/names.ts";
import { ListenerTotals } from "./listener-totals.ts";

const accepted = SLOTS.firstSlot.tlsd_connections_accepted_total;
const open = SLOTS.firstSlot.tlsd_connections_open;
const TLS = SLOTS.firstSlot.tlsd_handshakes_total;
const listener = (port: number): ListenerName => listenerNameOf(vnicNameOf("front", "shop"), port);

const inMode = (mode: ListenerMode, ...ports: readonly number[]) =>
  ports.map((port) => ({ name: listener(port), mode }));

function slotsOf(counters: ListenerTotals, name: ListenerName): Float64Array | undefined {
  return [...counters.entries()].find(({ labels }) => labels.listener === name)?.slots;
}

function valueOf(counters: ListenerTotals, name: ListenerName, slot: number): number | undefined {
  return slotsOf(counters, name)?.[slot];
}

test("amounts of all workers add up, open connections are what each said last", () => {
  const counters = new ListenerTotals({ listenersInForce: () => inMode("tcp", 1) });
  counters.add(1, { [listener(1)]: [accepted, 3, open, 2] });
  counters.add(2, { [listener(1)]: [accepted, 4, open, 5] });
  counters.add(1, { [listener(1)]: [accepted, 1, open, 1] });
  assert.equal(valueOf(counters, listener(1), accepted), 8);
  assert.equal(valueOf(counters, listener(1), open), 6);
  assert.equal(counters.openConnections(), 6);
  assert.equal(counters.openConnections(listener(1)), 6);
  assert.equal(counters.openConnections(listener(2)), 0);
});

test("a worker that is gone takes its open connections with it and leaves its counts", () => {
  const counters = new ListenerTotals({ listenersInForce: () => inMode("tcp", 1) });
  counters.add(1, { [listener(1)]: [accepted, 3, open, 3] });
  counters.add(2, { [listener(1)]: [accepted, 1, open, 1] });
  counters.gone(1);
  assert.equal(valueOf(counters, listener(1), open), 1);
  assert.equal(valueOf(counters, listener(1), accepted), 4);
});

test("what fits no slot is ignored", () => {
  const counters = new ListenerTotals({ listenersInForce: () => inMode("http", 1) });
  const pairs = [SLOTS.size, 1, -1, 1, 0.5, 1, accepted, Number.NaN, accepted, -3, accepted];
  counters.add(1, { [listener(1)]: [...pairs] });
  counters.add(1, { [listener(1)]: [accepted, Infinity] });
  const slots = slotsOf(counters, listener(1));
  assert.equal(slots?.length, SLOTS.size);
  assert.ok(slots?.every((value) => value === 0));
});

test("a counter starts over before it loses its precision, and is never infinite", () => {
  const counters = new ListenerTotals({ listenersInForce: () => inMode("tcp", 1) });
  counters.add(1, { [listener(1)]: [accepted, 1e308] });
  assert.equal(valueOf(counters, listener(1), accepted), 0);
  counters.add(1, { [listener(1)]: [accepted, Number.MAX_SAFE_INTEGER] });
  assert.equal(valueOf(counters, listener(1), accepted), Number.MAX_SAFE_INTEGER);
  counters.add(1, { [listener(1)]: [accepted, 3] });
  counters.add(1, { [listener(1)]: [accepted, 1] });
  assert.equal(valueOf(counters, listener(1), accepted), 4);
});

test("a listener of the document counts from zero before its first connection", () => {
  const counters = new ListenerTotals({ listenersInForce: () => inMode("tcp", 1, 2) });
  assert.deepEqual(
    [...counters.entries()].map(({ labels }) => labels.listener),
    [listener(1), listener(2)],
  );
});

const metricNamesOf = (counters: ListenerTotals): readonly (readonly string[])[] =>
  [...counters.entries()].map(({ metrics }) => [...metrics].map(({ name }) => name));

test("a listener carries the metrics of its mode, and memory for no others", () => {
  const inForce = [
    ...inMode("tcp", 1),
    ...inMode("redirect", 2),
    ...inMode("egress", 3),
    ...inMode("http", 4),
  ];
  const counters = new ListenerTotals({ listenersInForce: () => inForce });
  const [tcp, redirect, egress, http] = metricNamesOf(counters);
  for (const name of ["tlsd_handshakes_total", "tlsd_endpoint_connects_total"]) {
    assert.ok(tcp?.includes(name) && redirect?.includes(name) === false, name);
  }
  assert.ok(egress?.includes("tlsd_endpoint_connects_total"));
  assert.equal(egress?.includes("tlsd_handshakes_total"), false);
  assert.ok(http?.includes("tlsd_http_requests_total"));
  assert.equal(tcp?.includes("tlsd_http_requests_total"), false);
  const sizes = [...counters.entries()].map(({ slots }) => slots.length);
  assert.equal(sizes[0], SLOTS.firstSlot.tlsd_http_requests_total);
  assert.equal(sizes[1], SLOTS.firstSlot.tlsd_endpoint_connects_total);
  assert.equal(sizes[2], SLOTS.firstSlot.tlsd_handshakes_total);
  assert.equal(sizes[3], SLOTS.size);
});

test("a listener whose mode changes keeps its counts, and counts of its mode before still add up", () => {
  let inForce = inMode("redirect", 1);
  const counters = new ListenerTotals({ listenersInForce: () => inForce });
  counters.add(1, { [listener(1)]: [accepted, 2] });
  assert.equal(valueOf(counters, listener(1), TLS), undefined);
  inForce = inMode("tcp", 1);
  counters.add(1, { [listener(1)]: [accepted, 1, TLS, 5] });
  inForce = inMode("redirect", 1);
  counters.add(1, { [listener(1)]: [TLS, 1] });
  assert.equal(valueOf(counters, listener(1), accepted), 3);
  assert.equal(valueOf(counters, listener(1), TLS), 6);
  assert.ok(metricNamesOf(counters)[0]?.includes("tlsd_handshakes_total"));
});

test("a listener that left the document is kept ten minutes, and while it has connections", () => {
  let inForce = inMode("tcp", 1, 2);
  let nowMs = 0;
  const counters = new ListenerTotals({ listenersInForce: () => inForce, nowMs: () => nowMs });
  counters.add(1, { [listener(1)]: [accepted, 3], [listener(2)]: [accepted, 4, open, 1] });
  inForce = [];
  assert.equal(valueOf(counters, listener(1), accepted), 3);
  nowMs = 600_001;
  assert.equal(valueOf(counters, listener(1), accepted), undefined);
  assert.equal(valueOf(counters, listener(2), accepted), 4);
  counters.add(1, { [listener(2)]: [open, 0] });
  assert.equal(valueOf(counters, listener(2), accepted), undefined);
});

test("a listener that comes back goes on with its counts", () => {
  let inForce = inMode("tcp", 1);
  let nowMs = 0;
  const counters = new ListenerTotals({ listenersInForce: () => inForce, nowMs: () => nowMs });
  counters.add(1, { [listener(1)]: [accepted, 3] });
  inForce = [];
  valueOf(counters, listener(1), accepted);
  nowMs = 300_000;
  inForce = inMode("tcp", 1);
  assert.equal(valueOf(counters, listener(1), accepted), 3);
  nowMs = 900_000;
  inForce = [];
  assert.equal(valueOf(counters, listener(1), accepted), 3);
});

test("listeners that are gone are bounded even if nobody scrapes", () => {
  const counters = new ListenerTotals({ listenersInForce: () => [] });
  for (let port = 1; port <= 5_000; port += 1) counters.add(1, { [listener(port)]: [accepted, 1] });
  assert.ok([...counters.entries()].length <= 256);
});
