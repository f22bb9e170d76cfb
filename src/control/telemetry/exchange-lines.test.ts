import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleExchange } from "#harness/sample-director.ts";
import type { SnapshotListener } from "#model/records/snapshot.ts";
import { combinedLineOf } from "./combined-line.ts";
import { ExchangeLines } from "./exchange-lines.ts";
import { buildLog } from "./log.ts";

type Format = "json" | "combined";

const inFormat = (accessLogFormat: Format): readonly SnapshotListener[] =>
  [
    { name: sampleExchange.listener, mode: "http", http: { accessLogFormat } },
  ] as unknown as readonly SnapshotListener[];

function buildLines(level = "info") {
  const written: string[] = [];
  const destination = { write: (line: string) => void written.push(line) };
  const state = { listeners: inFormat("json") };
  const lines = new ExchangeLines(buildLog({ level, destination }), () => state.listeners);
  return { lines, written, state };
}

test("a line has the fields of its record, and what a client sent is escaped", () => {
  const { lines, written } = buildLines();
  lines.exchange(sampleExchange);
  const { level, time, msg, event, ...record } = JSON.parse(written[0] ?? "") as Record<
    string,
    unknown
  >;
  assert.equal(typeof time, "string");
  assert.deepEqual(
    [level, event, msg],
    ["info", "exchange", "The client was sent the whole answer of the endpoint."],
  );
  assert.deepEqual(record, {
    vnic: "front.shop",
    ...sampleExchange,
    clientCertificate: "CN=a\\u{202e}b",
    path: "/a\\u{1b}[2J",
    referer: "https://shop.test/\\u{202e}",
  });
});

test("a line has the format that its listener has now", () => {
  const { lines, written, state } = buildLines();
  state.listeners = inFormat("combined");
  lines.exchange(sampleExchange);
  assert.deepEqual(written, [`${combinedLineOf(sampleExchange)}\n`]);
  state.listeners = inFormat("json");
  lines.exchange(sampleExchange);
  assert.match(written[1] ?? "", /^\{"level":"info"/);
  state.listeners = [];
  lines.exchange(sampleExchange);
  assert.match(written[2] ?? "", /^\{"level":"info"/);
});

test("there are no lines if the log has only warnings", () => {
  const { lines, written, state } = buildLines("warn");
  lines.exchange(sampleExchange);
  state.listeners = inFormat("combined");
  lines.exchange(sampleExchange);
  assert.deepEqual(written, []);
});
