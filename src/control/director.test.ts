import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pino } from "pino";
import { materialIdsOf } from "#model/records/mode-records.ts";
import { eventually } from "#harness/deadline.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { testChecking } from "#harness/material-reader.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { createTestCa } from "#harness/test-ca.ts";
import { makeFakePool } from "#harness/fake-pool.ts";
import type { ChangeResult } from "./change.ts";
import { CertificateStore } from "./certificates/certificate-store.ts";
import { checkFile, checkValue } from "./check-file.ts";
import { Director } from "./director.ts";
import { EventBus } from "./event-bus.ts";
import { HealthChecks } from "./health/health-checks.ts";
import { Notices } from "./notice.ts";
import { SqliteRevisionStore } from "./state/revision-store.ts";
import { logEvent } from "./telemetry/event-log.ts";
import { RecordLines } from "./telemetry/record-lines.ts";

const documentWith = (port: number, director: object = {}): string =>
  JSON.stringify({
    director,
    servers: { "web-1": { address: "127.0.0.1" } },
    profiles: {
      shop: {
        servers: ["web-1"],
        vnics: {
          front: { ip: "127.0.0.1", listeners: [{ port, to: 80, certificates: ["shop"] }] },
        },
      },
    },
    certificates: { shop: { chain: "shop.pem", key: "shop.key" } },
  });

/** A director on fake workers that serves `director.yaml` in a folder of its own. */
async function startDirector() {
  const folder = await makeTempFolder();
  const ca = await createTestCa();
  const issue = async () => (await ca.issue({ names: ["shop.example"] })).writeTo(folder, "shop");
  await issue();
  const path = join(folder, "director.yaml");
  writeFileSync(path, documentWith(8443));
  const events: string[] = [];
  const log = pino(
    { level: "info" },
    {
      write: (line: string) => events.push((JSON.parse(line) as { event: string }).event),
    },
  );
  const outcomes: string[] = [];
  const checking = testChecking();
  const { reader } = checking;
  const fake = await makeFakePool({ size: 1 });
  const fail = (error: unknown): void => assert.fail(String(error));
  const bus = new EventBus(fail);
  const lines = new RecordLines(log, Date.now);
  bus.subscribe((event) => {
    logEvent(event, log, lines);
    const [, outcome] = /^change-(.*)$/.exec(event.name) ?? [];
    if (outcome !== undefined && "actor" in event) outcomes.push(`${outcome} ${event.actor}`);
  });
  const store = new SqliteRevisionStore({
    folder,
    runtimeFolder: folder,
    onTrouble: fail,
    onSound: () => undefined,
  });
  const certificates = new CertificateStore({
    ...{ reader, trial: undefined, onFault: fail },
    intervalMs: 50,
    onProblem: (kind, problem) => bus.publish({ name: `certificate-${kind}`, problem }),
    onTurn: () => director.noteCertificates(),
  });
  const director: Director = new Director({
    pool: fake.pool,
    certificates,
    health: new HealthChecks({
      onDown: () => undefined,
      onEndpoint: () => undefined,
      onFault: fail,
    }),
    bus,
    store,
    workers: 1,
    connectionsPerWorker: () => 10,
    reader,
    notices: new Notices(bus),
    onFault: fail,
    readFile: (inForce) => checkFile(path, { kind: "change", inForce }, checking),
    checkStored: (stored, settings) =>
      checkValue({ ...stored, director: settings }, folder, { kind: "start" }, checking),
    tryTakeWorkerUser: () => undefined,
    probe: () => Promise.resolve(),
  });
  await director.start(await checkFile(path, { kind: "start" }, checking));
  closeAtTestEnd(async () => {
    await director.stop();
    store.close();
  });
  return {
    director,
    fake,
    events,
    outcomes,
    issue,
    write: (text: string) => writeFileSync(path, text),
    checkPort: (port: number) =>
      checkValue(JSON.parse(documentWith(port)), folder, { kind: "check" }, checking),
  };
}

test("a start serves the first document", async () => {
  const { director, events, outcomes } = await startDirector();
  assert.equal(director.phase, "serving");
  assert.equal(director.inForce?.revision, 1);
  assert.deepEqual(events, ["listening", "document-applied"]);
  assert.deepEqual(outcomes, ["applied start"]);
  assert.deepEqual(
    director.certificates().map(({ name, state }) => [name, state]),
    [["shop", "ok"]],
  );
});

test("a reload applies the differences, and reports if there are none", async () => {
  const { director, events, write } = await startDirector();
  await director.reload("SIGHUP");
  assert.equal(events.at(-1), "document-unchanged");
  write(documentWith(8444));
  await director.reload("SIGHUP");
  assert.equal(director.inForce?.revision, 2);
  assert.deepEqual(events.slice(-2), ["listening", "document-applied"]);
});

test("a dry run reports what would change, and does not affect the log, the metrics or the status", async () => {
  const { director, events, outcomes, checkPort } = await startDirector();
  const told = events.length;
  const dryRun = (port: number): Promise<ChangeResult> =>
    director.change({
      ...{ kind: "document", actor: "api", dryRun: true },
      want: async () => ({ kind: "document", checked: await checkPort(port) }),
    });
  const { revision, difference } = await dryRun(8444);
  assert.equal(revision, 2);
  assert.deepEqual(difference().listeners.added, ["front.shop:8444"]);
  await assert.rejects(dryRun(99_999), { code: "document-invalid" });
  assert.equal(director.inForce?.revision, 1);
  assert.equal(director.lastRefusal, undefined);
  assert.deepEqual([events.length, outcomes], [told, ["applied start"]]);
});

test("a bad document is refused, and the status shows the reason until a good one is applied", async () => {
  const { director, events, outcomes, write } = await startDirector();
  write(documentWith(99_999));
  await assert.rejects(director.reload("SIGHUP"), { code: "document-invalid" });
  assert.equal(director.inForce?.revision, 1);
  assert.equal(events.at(-1), "document-refused");
  assert.equal(outcomes.at(-1), "refused SIGHUP");
  assert.match(director.lastRefusal ?? "", /problems/);
  write(documentWith(8443));
  await director.reload("SIGHUP");
  assert.equal(director.lastRefusal, undefined);
});

test("start-up settings take effect at the next start", async () => {
  const { director, events, write } = await startDirector();
  write(documentWith(8443, { workers: 7 }));
  await director.reload("SIGHUP");
  assert.deepEqual(events.slice(-2), ["restart-needed", "document-unchanged"]);
});

test("new certificate files go to the workers under the same revision", async () => {
  const { director, events, fake, issue } = await startDirector();
  const before = materialIdsOf(director.inForce?.compiled.snapshot.listeners ?? []);
  await issue();
  await eventually(() => events.includes("certificate-changed"));
  const { compiled, revision } = director.inForce ?? assert.fail();
  assert.notDeepEqual(materialIdsOf(compiled.snapshot.listeners), before);
  assert.equal(revision, 1);
  assert.equal(fake.journal().at(-1), `commit ${compiled.snapshot.number}`);
});

test("if a worker refuses a certificate, the previous one stays and the status says why", async () => {
  const { director, events, fake, issue } = await startDirector();
  const { fingerprint } = director.certificates()[0]?.facts ?? assert.fail();
  fake.order("prepare.refuse", "try.refuse");
  await issue();
  await eventually(() => events.includes("certificate-refused"));
  const [status] = await eventually(() => {
    const statuses = director.certificates();
    return statuses[0]?.state === "refused" && statuses;
  });
  assert.equal(status?.facts?.fingerprint, fingerprint);
  assert.match(status?.problem ?? "", /as ordered/);
});

test("a change during a drain is refused", async () => {
  const { director, write } = await startDirector();
  const drained = director.drain(1_000);
  assert.equal(director.phase, "draining");
  write(documentWith(8444));
  await assert.rejects(director.reload("SIGHUP"), { code: "draining" });
  assert.equal(await drained, 1);
});

test("every worker is replaced by one that serves the state in force", async () => {
  const { director, fake } = await startDirector();
  await director.replaceWorkers();
  await eventually(() => fake.pool.statuses().length === 1);
  assert.deepEqual(
    fake.pool.statuses().map(({ id, snapshot }) => [id, snapshot]),
    [[2, 1]],
  );
});
