import assert from "node:assert/strict";
import { test } from "node:test";
import { listenerNameOf, serverPairOf, vnicNameOf } from "#model/names.ts";
import { ServerTotals } from "#control/telemetry/server-totals.ts";
import type { CheckFailure } from "#model/records/outcome.ts";
import type { ServerReport } from "#model/records/server-report.ts";
import { ServerStates } from "./server-states.ts";

const vnic = vnicNameOf("front", "shop");
const listener = listenerNameOf(vnic, 8443);

function makeStates() {
  let nowMs = 1_000;
  const told: string[] = [];
  const totals = new ServerTotals({
    pairsInForce: () => new Set([serverPairOf(vnic, "web-1")]),
    nowMs: () => nowMs,
  });
  const states = new ServerStates({
    totalsOf: (server) => totals.of(server),
    onChange: (server, { oper }) => told.push(`${server} ${oper}`),
    nowMs: () => nowMs,
  });
  const report = (connects: number, failures: number, failuresInARow: number, worker = 1): void => {
    nowMs += 1_000;
    const more = failures > 0 ? ({ lastFailure: "refused" } as const) : {};
    const counted: ServerReport = {
      ...{ vnic, server: "web-1", openConnections: 0, connects, failures, failuresInARow, ...more },
    };
    for (const server of totals.add(worker, [counted])) states.update(server);
  };
  const check = (endpoint: string, isUp: boolean | undefined): void => {
    nowMs += 1_000;
    const failure = isUp === false ? ({ failure: "timeout" } as const) : {};
    const use = { server: "web-1", listener };
    const uses = isUp === undefined ? { uses: [], left: [use] } : { uses: [use], left: [] };
    const checked = { name: "endpoint-checked", key: `tcp ${endpoint}`, endpoint } as const;
    states.checked({ ...checked, isUp: isUp ?? true, ...failure, ...uses });
  };
  const ran = (endpoint: string, isUp: boolean, failure?: CheckFailure, untried?: string): void => {
    nowMs += 1_000;
    const why = { ...(failure && { failure }), ...(untried === undefined ? {} : { untried }) };
    states.checked({
      ...{ name: "endpoint-checked", key: `tcp ${endpoint}`, endpoint, isUp, ...why },
      ...{ uses: [{ server: "web-1", listener }], left: [] },
    });
  };
  return { states, told, report, check, ran, totals };
}

test("a server that is never checked is failing while clients of a vNIC cannot be connected to it", () => {
  const { states, told, report } = makeStates();
  assert.equal(states.of("web-1").oper, "unknown");
  report(1, 0, 0);
  report(0, 1, 1);
  report(0, 1, 1, 2);
  assert.equal(states.of("web-1").oper, "unknown");
  report(0, 1, 2, 2);
  const state = states.of("web-1");
  assert.equal(state.oper, "failing");
  assert.equal(state.sinceMs, 5_000);
  const text = "The endpoint refused the connection.";
  assert.deepEqual(state.lastError, { cause: "refused", text, vnic, atMs: 5_000 });
  assert.match(state.reason ?? "", /^front\.shop: The endpoint refused/);
  report(1, 0, 0);
  assert.equal(states.of("web-1").oper, "unknown");
  assert.equal(states.of("web-1").reason, undefined);
  assert.equal(states.of("web-1").lastError?.cause, "refused");
  assert.deepEqual(told, ["web-1 failing", "web-1 unknown"]);
});

test("a server with active checks is down if all of them fail, degraded if some do, and failing if only clients fail", () => {
  const { states, told, report, check } = makeStates();
  check("127.0.0.1:80", true);
  check("127.0.0.1:81", true);
  check("127.0.0.1:80", false);
  assert.match(states.of("web-1").reason ?? "", /^front\.shop: 127\.0\.0\.1:80: .*in time\.$/);
  check("127.0.0.1:81", false);
  assert.match(states.of("web-1").reason ?? "", /127\.0\.0\.1:80: .* \(and 1 more\)$/);
  assert.equal(states.of("web-1").lastError?.endpoint, "127.0.0.1:81");
  check("127.0.0.1:80", true);
  report(0, 5, 5);
  check("127.0.0.1:81", undefined);
  report(1, 0, 0);
  assert.equal(states.of("web-1").oper, "up");
  assert.deepEqual(told, [
    ...["web-1 degraded", "web-1 down", "web-1 degraded", "web-1 failing", "web-1 up"],
  ]);
});

test("reason and last error are those of the last run that failed", () => {
  const { states, told, ran } = makeStates();
  const seen = () => {
    const { oper, sinceMs, reason, lastError } = states.of("web-1");
    return [oper, sinceMs, reason?.slice(25), lastError?.cause, lastError?.atMs];
  };
  ran("127.0.0.1:80", true);
  ran("127.0.0.1:80", true, "wrong-status");
  assert.deepEqual(seen(), ["up", 2_000, undefined, "wrong-status", 3_000]);
  ran("127.0.0.1:80", false, "wrong-status");
  ran("127.0.0.1:80", false, "refused");
  const reason = " The endpoint refused the connection.";
  assert.deepEqual(seen(), ["down", 4_000, reason, "refused", 5_000]);
  ran("127.0.0.1:80", true);
  assert.deepEqual(seen(), ["up", 6_000, undefined, "refused", 5_000]);
  assert.deepEqual(told, ["web-1 down", "web-1 up"]);
});

test("a server is unknown while the director cannot run its checks, with the reason", () => {
  const { states, told, ran } = makeStates();
  const untried = "The director cannot check it: it has no CA.";
  const seen = () => {
    const { oper, reason } = states.of("web-1");
    return [oper, reason];
  };
  const reason = `front.shop: 127.0.0.1:80: ${untried}`;
  ran("127.0.0.1:80", true);
  ran("127.0.0.1:80", true, undefined, untried);
  assert.deepEqual(seen(), ["unknown", reason]);
  ran("127.0.0.1:81", true);
  assert.deepEqual(seen(), ["up", reason]);
  ran("127.0.0.1:81", false, "refused");
  assert.equal(seen()[0], "degraded");
  ran("127.0.0.1:81", true);
  ran("127.0.0.1:80", true);
  assert.deepEqual(seen(), ["up", undefined]);
  assert.deepEqual(told, ["web-1 degraded", "web-1 up"]);
});

test("a check of several listeners changes the state of a server once", () => {
  const { states, told } = makeStates();
  const checked = { name: "endpoint-checked", key: "tcp 127.0.0.1:80" } as const;
  const uses = [8443, 9443].map((port) => ({
    ...{ server: "web-1", listener: listenerNameOf(vnic, port) },
  }));
  const tell = (isUp: boolean): void =>
    states.checked({
      ...{ ...checked, endpoint: "127.0.0.1:80", isUp, uses, left: [] },
      ...(isUp ? {} : { failure: "refused" }),
    });
  for (const isUp of [true, false, true]) tell(isUp);
  assert.deepEqual(told, ["web-1 down", "web-1 up"]);
});

test("connections to a server that works do not change its state", () => {
  const { totals } = makeStates();
  const add = (connects: number, failures: number, failuresInARow: number): readonly string[] => {
    const report = { vnic, server: "web-1", openConnections: 0, connects, failures };
    return [...totals.add(1, [{ ...report, failuresInARow }])];
  };
  assert.deepEqual([add(1, 0, 0), add(5, 0, 0)], [["web-1"], []]);
  assert.deepEqual([add(0, 1, 1), add(1, 0, 0), add(0, 0, 0)], [["web-1"], ["web-1"], []]);
});

test("a server that returns to the document has the state that its open connections show", () => {
  const { states, report, totals } = makeStates();
  report(1, 0, 0);
  const counted = { vnic, server: "web-1", connects: 0, failures: 0, failuresInARow: 0 };
  totals.add(1, [{ ...counted, openConnections: 1 }]);
  states.follow(new Set());
  assert.equal(states.of("web-1").oper, "unknown");
  report(0, 3, 3);
  states.follow(new Set(["web-1"]));
  assert.equal(states.of("web-1").oper, "failing");
});

test("open connections are those of the workers that live, and pairs outside the document go", () => {
  const { totals } = makeStates();
  const counted = { vnic, connects: 1, failures: 0, failuresInARow: 0 };
  totals.add(1, [{ ...counted, server: "web-1", openConnections: 2 }]);
  totals.add(2, [{ ...counted, server: "web-1", openConnections: 3 }]);
  totals.add(2, [{ ...counted, server: "old", openConnections: 1 }]);
  const seen = () =>
    totals.entries().map(({ server, openConnections }) => [server, openConnections]);
  assert.deepEqual(seen(), [
    ["web-1", 5],
    ["old", 1],
  ]);
  totals.gone(2);
  assert.deepEqual(seen(), [["web-1", 2]]);
});
