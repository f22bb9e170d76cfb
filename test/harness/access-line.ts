import assert from "node:assert/strict";
import type { ConnectionRecord } from "#model/records/connection-record.ts";
import { CONNECTION_OUTCOMES } from "#model/records/outcome.ts";
import type { LogLine } from "./log-capture.ts";

/** The record that an access line is made of, without what the log adds to it, which must be right. */
export function recordIn(line: object): ConnectionRecord {
  const { level, time, event, msg, vnic, ...rest } = line as LogLine;
  const record = rest as unknown as ConnectionRecord;
  assert.ok(record.listener.startsWith(`${String(vnic)}:`));
  assert.deepEqual([level, event, typeof time], ["info", "connection", "string"]);
  assert.equal(msg, CONNECTION_OUTCOMES[record.outcome]);
  assertInOrder(record);
  return record;
}

/** Each time that has come is not before the one ahead of it. */
function assertInOrder({
  handshakeMs,
  connectMs,
  firstByteMs,
  durationMs,
}: ConnectionRecord): void {
  const passed = [handshakeMs, connectMs, firstByteMs, durationMs].filter((ms) => ms !== -1);
  const isInOrder = passed.every((ms, at) => ms >= (passed[at - 1] ?? 0));
  assert.ok(isInOrder && durationMs > 0, `times ${passed.join(", ")}`);
}
