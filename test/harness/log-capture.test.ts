import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isEvent, LogCapture } from "./log-capture.ts";

describe("the captured log", () => {
  it("keeps JSON lines and others", () => {
    const log = new LogCapture();
    log.add('{"level":30,"msg":"listening"}');
    log.add("plain words");
    log.add("{broken");
    assert.deepEqual(log.lines, [
      { level: 30, msg: "listening" },
      { text: "plain words" },
      { text: "{broken" },
    ]);
  });

  it("finds a line that is there, one that comes, and none before `from`", async () => {
    const log = new LogCapture();
    log.add('{"event":"document-applied","revision":1}');
    const isApplied = (line: object): boolean => isEvent({ ...line }, "document-applied");
    assert.equal((await log.waitFor(isApplied, 100))["revision"], 1);
    const next = log.waitFor(isApplied, 1_000, log.lines.length);
    log.add('{"msg":"document-applied","revision":2}');
    assert.equal((await next)["revision"], 2);
    await assert.rejects(log.waitFor(isApplied, 50, 2), /not within 50 ms/);
  });
});
