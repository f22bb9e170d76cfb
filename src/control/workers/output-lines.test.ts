import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { boundNotices, readOutputLines } from "./output-lines.ts";

async function linesOf(...chunks: readonly string[]): Promise<readonly string[]> {
  const lines: string[] = [];
  const output = new PassThrough();
  readOutputLines(output, (line) => lines.push(line));
  for (const chunk of chunks) output.write(chunk);
  output.end();
  await turn();
  return lines;
}

test("lines are put together from chunks, empty ones are left out", async () => {
  assert.deepEqual(await linesOf("one\ntw", "o\r\n\nthr", "ee"), ["one", "two", "three"]);
});

test("a line that never ends takes no memory", async () => {
  const lines = await linesOf(
    ..."x"
      .repeat(100)
      .split("")
      .map((x) => x.repeat(1_000)),
    "\nend\n",
  );
  assert.deepEqual(
    lines.map(({ length }) => length),
    [4_096, 3],
  );
});

test("notices are cut, escaped and limited by the second, and the rest is counted", () => {
  let nowMs = 0;
  const told: string[] = [];
  const tell = boundNotices(
    (level, text) => told.push(`${level} ${text}`),
    () => nowMs,
  );
  tell("error", `\u001b[2J${"x".repeat(2_000)}`);
  assert.equal(told[0], `error \\u{1b}[2J${"x".repeat(1_020)}`);
  for (let line = 0; line < 60; line += 1) tell("info", "again");
  assert.equal(told.length, 50);
  nowMs = 1_000;
  tell("info", "later");
  assert.deepEqual(told.slice(50), ["warn (11 lines were left out)", "info later"]);
});
