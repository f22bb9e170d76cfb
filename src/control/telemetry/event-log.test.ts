import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { DirectorError } from "#model/failure.ts";
import type { DirectorEvent } from "#control/director-event.ts";
import { sampleHandshake } from "#harness/sample-director.ts";
import { logEvent } from "./event-log.ts";
import { RecordLines } from "./record-lines.ts";

type Line = Readonly<Record<string, unknown>>;

/** The lines that an event becomes, without their times. */
function linesOf(event: DirectorEvent): readonly Line[] {
  const lines: Line[] = [];
  const log = pino(
    { base: null, timestamp: false, formatters: { level: (level) => ({ level }) } },
    { write: (line: string) => lines.push(JSON.parse(line) as Line) },
  );
  logEvent(event, log, new RecordLines(log, Date.now));
  return lines;
}

const leaves = { name: "worker-gone", worker: 3, exit: "code 0", livedMs: 10 } as const;
const change = { by: { origin: "signal" }, reason: "as asked", seconds: 0.1 } as const;
const ofClient = { ...change, by: { origin: "socket", user: "alice" } } as const;
const refusal = new DirectorError("listener-unusable", "as ordered");

const EXPECTED: readonly (readonly [DirectorEvent, Line])[] = [
  [
    { name: "stopped", cut: undefined },
    {
      level: "info",
      event: "stopped",
      msg: "The director has stopped without waiting for connections to end.",
    },
  ],
  [
    { ...leaves, cause: undefined },
    { level: "info", event: "worker-gone", worker: 3, exit: "code 0", livedMs: 10 },
  ],
  [
    { ...leaves, cause: "hung" },
    {
      level: "error",
      event: "worker-gone",
      cause: "hung",
      msg: "Worker 3 has ended unexpectedly: hung.",
    },
  ],
  [
    { name: "worker-refused", worker: 3, refusal, probe: "took" },
    { level: "error", event: "worker-refused", worker: 3, code: "listener-unusable" },
  ],
  [
    { name: "worker-refused", worker: 3, refusal, probe: "refused" },
    { level: "warn", event: "worker-refused", probe: "refused" },
  ],
  [
    { name: "change-refused", ...change, kind: "document", refusal },
    { level: "error", event: "document-refused", code: "listener-unusable", reason: "as asked" },
  ],
  [
    { name: "change-refused", ...ofClient, kind: "document", refusal },
    { level: "info", event: "document-refused", by: { origin: "socket", user: "alice" } },
  ],
  [
    { name: "change-refused", ...change, kind: "certificates", refusal },
    { level: "error", event: "certificate-refused", code: "listener-unusable" },
  ],
  [
    { name: "notice-raised", notice: { event: "state-unwritable", text: "Full." } },
    { level: "warn", event: "state-unwritable", msg: "Full." },
  ],
  [
    { name: "notice-over", notice: "state-unwritable" },
    { level: "info", event: "notice-over", notice: "state-unwritable" },
  ],
  [
    {
      name: "endpoints-down",
      down: ["127.0.0.1:80"],
      endpoints: [{ server: "web-1", endpoint: "127.0.0.1:80", vnics: ["front.shop"] }],
    },
    {
      ...{ level: "warn", event: "endpoints-down" },
      msg: "Endpoints down: web-1 127.0.0.1:80 (front.shop).",
    },
  ],
  [
    { name: "endpoints-down", down: [], endpoints: [] },
    { level: "info", event: "endpoints-down", msg: "No endpoint is down." },
  ],
  [
    { name: "handshakes-failed", handshakes: [sampleHandshake] },
    { level: "info", event: "handshake-failed", listener: sampleHandshake.listener },
  ],
];

for (const [event, expected] of EXPECTED) {
  test(`${event.name} is logged as ${String(expected["event"])} at level ${String(expected["level"])}`, () => {
    const [line, ...others] = linesOf(event);
    assert.partialDeepStrictEqual(line, expected);
    assert.deepEqual(others, []);
  });
}

test("an error of the director's own is logged with its stack", () => {
  const cause = new TypeError("broken");
  const error = new DirectorError("internal", String(cause), { cause });
  const [line] = linesOf({ name: "change-refused", ...change, kind: "document", refusal: error });
  assert.partialDeepStrictEqual(line, { code: "internal", err: { type: "TypeError" } });
});
