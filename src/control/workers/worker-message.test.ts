import assert from "node:assert/strict";
import { test } from "node:test";
import { CERTIFICATE_SLOTS, SLOTS } from "#model/records/metric-catalog.ts";
import { listenerNameOf, vnicNameOf, type CertificateName } from "#model/names.ts";
import { sampleConnection, sampleHandshake } from "#harness/sample-director.ts";
import { tryWorkerMessage } from "./worker-message.ts";

const LISTENER = listenerNameOf(vnicNameOf("front", "shop"), 8443);
const CERTIFICATE = "shop" as CertificateName;
const COUNTS = Array.from({ length: CERTIFICATE_SLOTS.size }, () => 1);
const known = new Set([LISTENER]);
const read = (value: unknown) => tryWorkerMessage(value, known, new Set(), new Set([CERTIFICATE]));

test("every message of the protocol passes as it is", () => {
  for (const message of [
    { type: "ready", protocol: 1, runtime: "bun 1.4" },
    { type: "heartbeat", openConnections: 1, residentBytes: 2, loopDelayMs: 0.5 },
    { type: "prepared", number: 1 },
    { type: "refused", number: 1, code: "listener-unusable", detail: "" },
    { type: "committed", number: 1 },
    { type: "rolled-back", number: 1 },
    { type: "counted", listeners: { [LISTENER]: [0, 1, 5, 2.5] } },
    { type: "certificates", certificates: [{ name: CERTIFICATE, counts: COUNTS }] },
    {
      type: "events",
      handshakes: [sampleHandshake],
      connections: [sampleConnection],
      dropped: 1,
    },
    { type: "notice", level: "warn", text: "x" },
    { type: "draining" },
    { type: "drained", cut: 3 },
  ]) {
    assert.deepEqual(read(message), message);
  }
});

for (const [what, message] of [
  ["no object", "prepared"],
  ["an unknown type", { type: "shutdown" }],
  ["a field too many", { type: "prepared", number: 1, more: 1 }],
  ["a field of another type", { type: "prepared", number: "1" }],
  ["a negative number", { type: "drained", cut: -1 }],
  [
    "a number that is none",
    { type: "heartbeat", openConnections: null, residentBytes: 1, loopDelayMs: 1 },
  ],
  [
    "a number without end",
    { type: "heartbeat", openConnections: 1, residentBytes: 1, loopDelayMs: 1e308 },
  ],
  [
    "half a connection",
    { type: "heartbeat", openConnections: 0.5, residentBytes: 1, loopDelayMs: 1 },
  ],
  ["a field __proto__", JSON.parse('{"type":"draining","__proto__":{}}')],
  ["a list", []],
  ["null", null],
  ["counts that are text", { type: "counted", listeners: { [LISTENER]: ["1"] } }],
  ["counts of no listener's kind", { type: "counted", listeners: [[0, 1]] }],
  [
    "too few counts of a certificate",
    { type: "certificates", certificates: [{ name: CERTIFICATE, counts: COUNTS.slice(1) }] },
  ],
  [
    "a negative count of a certificate",
    { type: "certificates", certificates: [{ name: CERTIFICATE, counts: COUNTS.map(() => -1) }] },
  ],
  ["an unknown failure", { type: "refused", number: 1, code: "__proto__", detail: "" }],
  ["a text without end", { type: "notice", level: "info", text: "x".repeat(5_000) }],
  [
    "more counts than slots",
    { type: "counted", listeners: { [LISTENER]: Array(2 * SLOTS.size + 1).fill(0) } },
  ],
  [
    "more records than a flush has",
    {
      type: "events",
      handshakes: Array(10_001).fill(0),
      connections: [],
      dropped: 0,
    },
  ],
] as const) {
  test(`${what} is no message`, () => {
    assert.equal(read(message), undefined);
  });
}

test("counts of a listener that the worker was not told of are left out", () => {
  const listeners = JSON.parse(
    `{"${LISTENER}":[0,1],"front.pay:1":[0,1],"constructor":[0,1],"__proto__":[0,1]}`,
  ) as unknown;
  assert.deepEqual(read({ type: "counted", listeners }), {
    type: "counted",
    listeners: { [LISTENER]: [0, 1] },
  });
});

test("a record that breaks a bound is dropped and counted, the rest stays", () => {
  const handshakes = [
    sampleHandshake,
    { ...sampleHandshake, serverName: "x".repeat(5_000) },
    { ...sampleHandshake, failure: "boredom" },
    { ...sampleHandshake, listener: "front.pay:1" },
    { ...sampleHandshake, listener: "__proto__" },
    { ...sampleHandshake, atMs: 1e308 },
    { ...sampleHandshake, clientPort: 65_536 },
  ];
  const connections = [{ ...sampleConnection, bytesToClient: "1" }];
  const result = read({ type: "events", handshakes, connections, dropped: 1 });
  assert.ok(result?.type === "events");
  assert.deepEqual(result.handshakes, [sampleHandshake]);
  assert.deepEqual(result.connections, []);
  assert.equal(result.dropped, 8);
});
