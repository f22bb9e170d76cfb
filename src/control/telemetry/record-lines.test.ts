import assert from "node:assert/strict";
import { test } from "node:test";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import { sampleConnection, sampleHandshake } from "#harness/sample-director.ts";
import { buildLog } from "./log.ts";
import { RecordLines } from "./record-lines.ts";

function buildLines() {
  const written: string[] = [];
  const clock = { nowMs: 0 };
  const destination = { write: (line: string) => void written.push(line) };
  const { logger: log } = buildLog({ level: "info", destination });
  return {
    records: new RecordLines(log, () => clock.nowMs),
    lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>),
    clock,
  };
}

test("an access line has the fields of its record, and what a client sent is escaped", () => {
  const { records, lines } = buildLines();
  records.connection(sampleConnection);
  const [line] = lines();
  assert.ok(line !== undefined);
  const { level, time, msg, event, ...record } = line;
  assert.equal(typeof time, "string");
  assert.deepEqual(
    [level, event, msg],
    ["info", "connection", "Both sides ended the connection in order."],
  );
  assert.deepEqual(record, {
    vnic: "front.shop",
    ...sampleConnection,
    serverName: "shop.test\\u{1b}[2J",
    clientCertificate: "CN=a\\u{202e}b",
  });
});

test("what is absent from a record is absent from its line", () => {
  const { records, lines } = buildLines();
  const { serverName: _, alpn: __, clientCertificate: ___, ...bare } = sampleConnection;
  records.connection(bare);
  assert.deepEqual(Object.keys(lines()[0] ?? {}), [
    ...["level", "time", "event", "vnic"],
    ...Object.keys(bare),
    "msg",
  ]);
});

test("a failed handshake is logged with its cause in words", () => {
  const { records, lines } = buildLines();
  const record: HandshakeRecord = {
    ...sampleHandshake,
    failure: "no-shared-cipher",
    serverName: "a\u202eb",
    alpn: ["h2\n"],
    detail: "x\u0000",
  };
  records.failedHandshake(record);
  const { level, time, msg, event, ...logged } = lines()[0] ?? {};
  assert.deepEqual([level, event, typeof time], ["info", "handshake-failed", "string"]);
  assert.match(String(msg), /offers no cipher suite/);
  assert.deepEqual(logged, {
    vnic: "front.shop",
    ...record,
    serverName: "a\\u{202e}b",
    alpn: ["h2\\u{a}"],
    detail: "x\\u{0}",
  });
});

test("a flood of failed handshakes is logged up to a rate, and the rest is counted in a line", () => {
  const { records, lines, clock } = buildLines();
  for (let count = 0; count < 450; count += 1) records.failedHandshake(sampleHandshake);
  assert.equal(lines().length, 100);
  clock.nowMs = 1_000;
  records.failedHandshake(sampleHandshake);
  const [notLogged, last] = lines().slice(100);
  assert.equal(notLogged?.["event"], "handshakes-not-logged");
  assert.equal(notLogged["count"], 350);
  assert.equal(last?.["event"], "handshake-failed");
});
