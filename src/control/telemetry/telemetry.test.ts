import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { DirectorError } from "#model/failure.ts";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import {
  CERTIFICATE_METRICS,
  DIRECTOR_METRICS,
  LISTENER_METRICS,
  SERVER_METRICS,
  SLOTS,
} from "#model/records/metric-catalog.ts";
import { listenerNameOf, serverPairOf, vnicNameOf, type ListenerName } from "#model/names.ts";
import { HANDSHAKE_FAILURES, HANDSHAKE_FAILURE_NAMES } from "#model/records/outcome.ts";
import type { ChangeResult } from "#control/change/change.ts";
import { EventBus } from "#control/event-bus.ts";
import { sampleHandshake, sampleStatus, sampleWorker } from "#harness/sample-director.ts";
import { emptyState } from "#harness/fake-change-api.ts";
import type { DirectorFacts } from "./director-metrics.ts";
import { RecordLines } from "./record-lines.ts";
import { Telemetry, type HandshakesQuestion } from "./telemetry.ts";

const listener = listenerNameOf(vnicNameOf("front", "shop"), 8443);
const labels = `vnic="front.shop",listener="front.shop:8443"`;

const facts: DirectorFacts = {
  version: "0.1.0",
  engine: "bun",
  revision: 7,
  isStateWritable: true,
  droppedLogLines: 3,
  isDoubting: false,
  workers: [{ ...sampleWorker, id: 3 }],
  certificates: sampleStatus.certificates,
  listeners: [{ name: listener, mode: "tcp" }],
  absentVnics: [],
  servers: [{ name: "web-1", oper: "degraded" }],
  profiles: [{ name: "shop", servedBy: "standby", isFlapping: false }],
  serversInForce: new Set([serverPairOf(vnicNameOf("front", "shop"), "web-1")]),
};

const handshake = (atMs: number): HandshakeRecord => ({ ...sampleHandshake, atMs });

const logger = pino({ level: "silent" });
const silent = {
  lines: new RecordLines(logger, Date.now),
  writeLines: (bytes: Buffer) => bytes.toString() === "taken\n",
};
const NO_RECORDS = { handshakes: [], connections: [], dropped: 0 };

function buildTelemetry() {
  const bus = new EventBus((error) => assert.fail(String(error)));
  return { bus, telemetry: new Telemetry({ bus, ...silent, snapshotOfDirector: () => facts }) };
}

async function seriesOf(telemetry: Telemetry): Promise<Map<string, string>> {
  const lines = Buffer.concat(await telemetry.metrics())
    .toString()
    .split("\n")
    .filter((line) => /^[^#]/.test(line));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), line.split(" ").at(-1) ?? ""]),
  );
}

test("every metric of the catalogue is printed, and none besides", async () => {
  const { telemetry } = buildTelemetry();
  const text = Buffer.concat(await telemetry.metrics()).toString();
  const printed = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(
    ([, name, kind]) => `${name} ${kind}`,
  );
  const catalogue = [
    ...LISTENER_METRICS,
    ...SERVER_METRICS,
    ...CERTIFICATE_METRICS,
    ...DIRECTOR_METRICS,
  ].map(({ name, kind }) => `${name} ${kind}`);
  assert.deepEqual(printed.toSorted(), catalogue.toSorted());
});

test("listener counters appear under vnic and listener, from zero on, with each cause that has occurred", async () => {
  const { telemetry } = buildTelemetry();
  const { firstSlot } = SLOTS;
  const deadline = HANDSHAKE_FAILURE_NAMES.indexOf("deadline");
  telemetry.counted(3, {
    [listener]: [
      firstSlot.tlsd_connections_accepted_total,
      5,
      firstSlot.tlsd_connections_open,
      2,
      firstSlot.tlsd_handshakes_total + 1,
      4,
      firstSlot.tlsd_handshakes_failed_total + deadline,
      1,
    ],
  });
  const series = await seriesOf(telemetry);
  assert.equal(series.get(`tlsd_connections_accepted_total{${labels}}`), "5");
  assert.equal(series.get(`tlsd_connections_open{${labels}}`), "2");
  assert.equal(series.get(`tlsd_handshakes_total{session="resumed",${labels}}`), "4");
  assert.equal(series.get(`tlsd_handshakes_total{session="new",${labels}}`), undefined);
  assert.equal(series.get(`tlsd_handshakes_failed_total{cause="deadline",${labels}}`), "1");
  const causes = [...series.keys()].filter((name) =>
    name.startsWith("tlsd_handshakes_failed_total{"),
  );
  assert.equal(causes.length, 1);
  const ofListener = [...series.keys()].filter((name) => name.includes(labels));
  assert.ok(!ofListener.some((name) => name.includes("_bucket{")));
  assert.equal(telemetry.openConnections(listener), 2);
});

test("counts by server name the server and the vNIC", async () => {
  const { telemetry } = buildTelemetry();
  const vnic = vnicNameOf("front", "shop");
  const report = { vnic, server: "web-1", openConnections: 2, connects: 5, failuresInARow: 3 };
  telemetry.servers(3, [{ ...report, failures: 4, lastFailure: "refused" }]);
  const series = await seriesOf(telemetry);
  const valueOf = (name: string): string | undefined =>
    series.get(`${name}{vnic="front.shop",server="web-1"}`);
  assert.equal(valueOf("tlsd_server_connections_open"), "2");
  assert.equal(valueOf("tlsd_server_connects_total"), "5");
  assert.equal(valueOf("tlsd_server_connects_failed_total"), "4");
  assert.equal(valueOf("tlsd_server_failing"), "1");
  assert.equal(telemetry.serverState("web-1").oper, "failing");
  assert.equal(series.get('tlsd_server_state{server="web-1",state="degraded"}'), "1");
  assert.equal(series.get('tlsd_profile_on_standby{profile="shop"}'), "1");
  assert.equal(series.get('tlsd_profile_flapping{profile="shop"}'), "0");
});

test("a failed check publishes the state of its server, with the reason", async () => {
  const { bus } = buildTelemetry();
  const states: unknown[] = [];
  bus.subscribe((event) => {
    if (event.name === "server-state") states.push([event.server, event.oper, event.reason]);
  });
  const endpoint = "127.0.0.1:80";
  bus.publish({
    ...{ name: "endpoint-checked", key: `tcp ${endpoint}`, endpoint, isUp: false },
    ...{ failure: "refused", uses: [{ server: "web-1", listener }], left: [] },
  });
  await Promise.resolve();
  const reason = "front.shop: 127.0.0.1:80: The endpoint refused the connection.";
  assert.deepEqual(states, [["web-1", "down", reason]]);
});

test("a histogram is printed cumulative, with +Inf, sum and count", async () => {
  const { telemetry } = buildTelemetry();
  const first = SLOTS.firstSlot.tlsd_connection_seconds;
  // Buckets 0.01, 0.1, 1, 10, 60, 300, 1800, 7200, +Inf, then the sum.
  telemetry.counted(3, { [listener]: [first, 2, first + 1, 3, first + 8, 1, first + 9, 9000.25] });
  const series = await seriesOf(telemetry);
  const bucket = (bound: string): string | undefined =>
    series.get(`tlsd_connection_seconds_bucket{le="${bound}",${labels}}`);
  assert.equal(bucket("0.01"), "2");
  assert.equal(bucket("0.1"), "5");
  assert.equal(bucket("7200"), "5");
  assert.equal(bucket("+Inf"), "6");
  assert.equal(series.get(`tlsd_connection_seconds_sum{${labels}}`), "9000.25");
  assert.equal(series.get(`tlsd_connection_seconds_count{${labels}}`), "6");
});

test("metrics of the director come from its facts and from events", async () => {
  const { bus, telemetry } = buildTelemetry();
  const change = { kind: "document", by: { origin: "socket" }, reason: undefined } as const;
  const result: ChangeResult = {
    ...{ isChanged: true, changes: () => [], warnings: [], versions: [], before: undefined },
    effect: () => ({ opens: [], closes: [], changes: [] }),
    after: emptyState,
  };
  bus.publish({ name: "change-applied", ...change, result, seconds: 0.02 });
  const refusal = new DirectorError("document-invalid");
  bus.publish({ name: "change-refused", ...change, refusal, seconds: 0.01 });
  bus.publish({ name: "worker-restarted", cause: "hung" });
  telemetry.events({ ...NO_RECORDS, dropped: 9 });
  telemetry.lines({ bytes: Buffer.from("taken\n"), count: 1, dropped: 1 });
  telemetry.lines({ bytes: Buffer.from("not\ntaken\n"), count: 2, dropped: 0 });
  const checked = (name: ListenerName, endpoint: string, isUp: boolean | undefined): void => {
    const use = { server: "web-1", listener: name };
    const uses = isUp === undefined ? { uses: [], left: [use] } : { uses: [use], left: [] };
    const key = `tcp ${endpoint}`;
    bus.publish({ name: "endpoint-checked", key, endpoint, isUp: isUp ?? true, ...uses });
  };
  checked(listener, "127.0.0.1:8080", true);
  checked(listener, "127.0.0.2:8080", false);
  checked(listener, "127.0.0.3:8080", true);
  checked(listener, "127.0.0.3:8080", undefined);
  bus.publish({
    ...{ name: "endpoint-checked", key: "tcp 127.0.0.5:8080", endpoint: "127.0.0.5:8080" },
    ...{ isUp: true, untried: "The director cannot check it." },
    ...{ uses: [{ server: "web-1", listener }], left: [] },
  });
  checked(listenerNameOf(vnicNameOf("old", "shop"), 1), "127.0.0.4:1", true);
  const series = await seriesOf(telemetry);
  const told = [...series].filter(([name]) =>
    /info|revision|changes|change_seconds_count|workers\{|worker_|dropped|tlsd_certificate|endpoint_up/.test(
      name,
    ),
  );
  const lines = told.map(([name, value]) => `${name} ${value}`);
  assert.deepEqual(
    lines.filter((line) => !/restarts.* 0$/.test(line)).toSorted(),
    [
      `tlsd_info{version="0.1.0",engine="bun"} 1`,
      `tlsd_document_revision 7`,
      `tlsd_changes_total{outcome="applied"} 1`,
      `tlsd_changes_total{outcome="refused"} 1`,
      `tlsd_changes_total{outcome="unchanged"} 0`,
      `tlsd_change_seconds_count 1`,
      `tlsd_workers{state="starting"} 0`,
      `tlsd_workers{state="serving"} 1`,
      `tlsd_workers{state="draining"} 0`,
      `tlsd_worker_restarts_total{cause="hung"} 1`,
      `tlsd_worker_memory_bytes{worker="3"} 35000000`,
      `tlsd_worker_loop_delay_seconds{worker="3"} 0.00075`,
      `tlsd_events_dropped_total 12`,
      `tlsd_log_lines_dropped_total 3`,
      `tlsd_certificate_not_after_seconds{certificate="shop"} 1800000000`,
      `tlsd_certificate_source_ok{certificate="shop"} 0`,
      `tlsd_endpoint_up{vnic="front.shop",listener="front.shop:8443",server="web-1",endpoint="127.0.0.1:8080"} 1`,
      `tlsd_endpoint_up{vnic="front.shop",listener="front.shop:8443",server="web-1",endpoint="127.0.0.2:8080"} 0`,
    ].toSorted(),
  );
});

test("failed handshakes are told newest first, whatever the order they came in", () => {
  const { telemetry } = buildTelemetry();
  const records = Array.from({ length: 1_500 }, (_, index) => handshake(index));
  telemetry.events({ ...NO_RECORDS, handshakes: records.slice(0, 1_200) });
  telemetry.events({ ...NO_RECORDS, handshakes: records.slice(1_200).toReversed() });
  const times = (question: HandshakesQuestion): readonly number[] =>
    telemetry.handshakes(question).map(({ atMs }) => atMs);
  assert.deepEqual(times({ limit: 3 }), [1499, 1498, 1497]);
  assert.deepEqual(times({ limit: 2, skip: 1_498 }), [1, 0]);
  assert.deepEqual(times({ limit: 2, filter: { cause: "deadline" } }), []);
  assert.deepEqual(times({ limit: 1, filter: { vnic: "front.shop" } }), [1499]);
  assert.deepEqual(times({ limit: 1, filter: { vnic: "*.shop", listener: "f*:84*" } }), [1499]);
  assert.deepEqual(times({ limit: 1, filter: { vnic: "front.sho" } }), []);
});

test("groups by cause and listener have the numbers of the counters, others those that are kept", () => {
  const { telemetry } = buildTelemetry();
  const deadlines = HANDSHAKE_FAILURE_NAMES.filter((name) => name !== "not-allowed").indexOf(
    "deadline",
  );
  telemetry.counted(3, {
    [listener]: [SLOTS.firstSlot.tlsd_handshakes_failed_total + deadlines, 40],
  });
  const late = { ...handshake(5), failure: "deadline", clientAddress: "192.0.2.7" } as const;
  const handshakes = [handshake(1), { ...late, atMs: 3 }, late, handshake(2), handshake(4)];
  telemetry.events({ ...NO_RECORDS, handshakes });
  const { groups, total, kept } = telemetry.handshakeGroups(["cause", "listener"], {}, 1);
  assert.deepEqual([groups.length, total, kept], [1, 2, 5]);
  const [first] = groups;
  assert.deepEqual(
    [first?.cause, first?.listener, first?.client, first?.count, first?.kept],
    ["deadline", listener, undefined, 40, 2],
  );
  assert.deepEqual([first?.firstAtMs, first?.lastAtMs, first?.example.atMs], [3, 5, 5]);
  assert.equal(first?.hint, HANDSHAKE_FAILURES.deadline);
  const byClient = telemetry.handshakeGroups(["client"], {}, 10).groups;
  assert.deepEqual(
    byClient.map(({ client, count }) => [client, count]),
    [
      [sampleHandshake.clientAddress, 3],
      ["192.0.2.7", 2],
    ],
  );
  const inNetwork = telemetry.handshakeGroups(["client"], { client: "192.0.2.6/31" }, 10).groups;
  assert.deepEqual(
    inNetwork.map(({ client }) => client),
    ["192.0.2.7"],
  );
  const filtered = telemetry.handshakeGroups([], { client: "192.0.2.7" }, 10).groups;
  assert.deepEqual(
    filtered.map(({ count }) => count),
    [2],
  );
});

test("the metrics of thousands of listeners are written in turns", async () => {
  const names = Array.from({ length: 4_000 }, (_, at) =>
    listenerNameOf(vnicNameOf(`front-${at}`, "shop"), 8443),
  );
  const many: DirectorFacts = { ...facts, listeners: names.map((name) => ({ name, mode: "tcp" })) };
  const bus = new EventBus((error) => assert.fail(String(error)));
  const telemetry = new Telemetry({ bus, ...silent, snapshotOfDirector: () => many });
  const pairs = Array.from({ length: SLOTS.firstSlot.tlsd_bytes_to_clients_total }, (_, slot) => [
    slot,
    1,
  ]);
  telemetry.counted(3, Object.fromEntries(names.map((name) => [name, pairs.flat()])));
  let turns = 0;
  let isDone = false;
  const count = (): void => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  const pieces = await telemetry.metrics();
  isDone = true;
  assert.ok(turns >= 3, `${turns} turns for ${pieces.length} pieces`);
  assert.ok(Math.max(...pieces.map(({ length }) => length)) < 1_000_000);
});
