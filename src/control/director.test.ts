import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pino } from "pino";
import { parseDocument } from "#model/document/parse-document.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { CutSchedule } from "./change/cut-schedule.ts";
import { DirectorError } from "#model/failure.ts";
import { noProver } from "#harness/no-prover.ts";
import { eventually } from "#harness/deadline.ts";
import { FakeDocumentStore } from "#harness/fake-document-store.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { testChecking } from "#harness/material-reader.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { createTestCa } from "#harness/test-ca.ts";
import { makeFakePool } from "#harness/fake-pool.ts";
import { CertificateStore } from "./certificates/certificate-store.ts";
import { DocumentFile } from "./change/document-file.ts";
import { buildWants } from "./change/wants.ts";
import { checkFile, checkValue, checkWanted } from "./check-file.ts";
import { Director } from "./director.ts";
import { EventBus } from "./event-bus.ts";
import { HealthChecks } from "./health/health-checks.ts";
import { Notices } from "./notice.ts";
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
async function startDirector(store = new FakeDocumentStore()) {
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
    if (outcome !== undefined && "by" in event) outcomes.push(`${outcome} ${event.by.origin}`);
  });
  const certificates = new CertificateStore({
    ...{ reader, trial: undefined, onFault: fail },
    prover: { warmUp: () => undefined, stayReady: () => undefined },
    intervalMs: 50,
    onProblem: (kind, problem) => bus.publish({ name: `certificate-${kind}`, problem }),
    onRead: () => undefined,
    onLate: () => undefined,
    onTurn: () => director.noteCertificates(),
  });
  const notices = new Notices(bus);
  const settings = parseDocument({}).draft.director;
  const check = (value: unknown) => checkValue(value, folder, { kind: "start" }, checking);
  const file = new DocumentFile({
    ...{ path, folders: [folder], notices },
    read: (name, inForce) => checkFile(name, { kind: "change", inForce }, checking),
    check: (written, { document }) =>
      check({ ...written, director: document?.director ?? settings }),
  });
  const wants = buildWants({
    ...{ file, store, certificates },
    checkWanted: (document, _before, inForce) =>
      checkWanted(document, { settings, folder }, { kind: "change", inForce }, checking),
  });
  const director: Director = new Director({
    addressWatch: { start: () => undefined, close: () => undefined },
    pool: fake.pool,
    certificates,
    health: new HealthChecks({
      onDown: () => undefined,
      onEndpoint: () => undefined,
      onDoubt: () => undefined,
      onFault: fail,
    }),
    standby: {
      restore: () => Promise.resolve(),
      commit: () => [],
      onStandby: () => [],
      close: () => undefined,
    },
    bus,
    store,
    cuts: new CutSchedule(bus),
    workers: 1,
    connectionsPerWorker: () => 10,
    reader,
    notices,
    onFault: fail,
    file,
    checkStored: (stored) => check({ ...stored, director: settings }),
    tryTakeWorkerUser: () => undefined,
    keepsSessions: true,
    prover: noProver,
    findObstacles: () => Promise.resolve(new Map()),
  });
  await director.start(await checkFile(path, { kind: "start" }, checking));
  closeAtTestEnd(() => director.stop());
  return {
    director,
    fake,
    events,
    outcomes,
    issue,
    write: (text: string) => writeFileSync(path, text),
    reload: (isForced = false) =>
      director.change({
        ...{ kind: "document", by: { origin: "signal" } },
        want: wants.file(isForced),
      }),
    edit: (port: number) => ({
      ...({ kind: "document", by: { origin: "socket" } } as const),
      want: wants.edit(() => withoutDirector(port)),
    }),
    undo: (revision?: number) =>
      director.change({
        ...{ kind: "document", by: { origin: "socket" } },
        want: wants.undo(revision === undefined ? {} : { revision }),
      }),
    store,
    file,
    notices,
  };
}

const withoutDirector = (port: number): WrittenDocument => {
  const { director: _, ...document } = JSON.parse(documentWith(port)) as { director: object };
  return document;
};

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
  const { director, events, write, reload } = await startDirector();
  await reload();
  assert.equal(events.at(-1), "document-unchanged");
  write(documentWith(8444));
  await reload();
  assert.equal(director.inForce?.revision, 2);
  assert.deepEqual(events.slice(-2), ["listening", "document-applied"]);
});

test("a plan reports what would change, and does not affect the log, the metrics or the status", async () => {
  const { director, events, outcomes, edit } = await startDirector();
  const told = events.length;
  const plan = await director.plan(edit(8444));
  assert.equal(plan.before?.revision, 1);
  assert.deepEqual(plan.effect().opens, ["front.shop:8444"]);
  await assert.rejects(director.plan(edit(99_999)), { code: "document-invalid" });
  assert.equal(director.inForce?.revision, 1);
  assert.equal(director.lastRefusal, undefined);
  assert.deepEqual([events.length, outcomes], [told, ["applied start"]]);
});

test("a change that is stale is refused before it is queued, and again at its turn", async () => {
  const { director, edit } = await startDirector();
  let isStale = false;
  const precondition = (): void => {
    if (isStale) throw new DirectorError("revision-conflict");
  };
  const first = director.change(edit(8444));
  const second = director.change({ ...edit(8445), precondition });
  isStale = true;
  await first;
  await assert.rejects(second, { code: "revision-conflict" });
  const asked = director.change({ ...edit(8446), precondition, want: () => assert.fail() });
  await assert.rejects(asked, { code: "revision-conflict" });
  assert.equal(director.inForce?.revision, 2);
});

test("a change whose client has gone does not start", async () => {
  const { director, edit } = await startDirector();
  const gone = new AbortController();
  const first = director.change(edit(8444));
  const second = director.change({ ...edit(8445), signal: gone.signal });
  gone.abort();
  await first;
  await assert.rejects(second, { code: "client-gone" });
  assert.equal(director.inForce?.revision, 2);
});

test("the store serves on if the file has not changed since it was applied, and the file after an undo", async () => {
  const { director, file, edit, reload, undo } = await startDirector();
  await director.change(edit(8444));
  assert.equal(file.status().state, "store-ahead");
  assert.equal((await reload()).isChanged, false);
  assert.equal(director.inForce?.revision, 2);
  await undo();
  assert.equal(file.status().state, "in-force");
  assert.equal((await reload()).isChanged, false);
  assert.equal(director.inForce?.revision, 3);
});

test("a file that has diverged from the store is not applied unless it is forced", async () => {
  const { director, file, notices, edit, reload, write } = await startDirector();
  await director.change(edit(8444));
  write(documentWith(8445));
  await assert.rejects(reload(), { code: "document-diverged" });
  assert.deepEqual([director.inForce?.revision, file.status().state], [2, "diverged"]);
  assert.ok(notices.has("document-diverged"));
  await reload(true);
  assert.deepEqual([director.inForce?.revision, file.status().state], [3, "in-force"]);
  assert.ok(!notices.has("document-diverged"));
});

test("a start serves the store if only the store has changed, and names what has diverged", async () => {
  const first = await startDirector();
  await first.director.change(first.edit(8444));
  await first.director.stop();
  // The folder of another start has another path, so the file that was applied is not the same.
  const second = await startDirector(first.store);
  assert.equal(second.director.inForce?.revision, 2);
  assert.equal(second.file.status().state, "diverged");
  assert.ok(second.notices.has("document-diverged"));
});

test("a bad document is refused, and the status shows the reason until a good one is applied", async () => {
  const { director, events, outcomes, write, reload } = await startDirector();
  write(documentWith(99_999));
  await assert.rejects(reload(), { code: "document-invalid" });
  assert.equal(director.inForce?.revision, 1);
  assert.equal(events.at(-1), "document-refused");
  assert.equal(outcomes.at(-1), "refused signal");
  assert.match(director.lastRefusal ?? "", /problems/);
  write(documentWith(8443));
  await reload();
  assert.equal(director.lastRefusal, undefined);
});

test("start-up settings take effect at the next start", async () => {
  const { events, write, reload } = await startDirector();
  write(documentWith(8443, { workers: 7 }));
  await reload();
  assert.deepEqual(events.slice(-2), ["restart-needed", "document-unchanged"]);
});

test("new certificate files go to the workers under the same revision", async () => {
  const { director, events, fake, issue } = await startDirector();
  const before = director.inForce?.compiled.material;
  await issue();
  await eventually(() => events.includes("certificate-changed"));
  const { compiled, revision } = director.inForce ?? assert.fail();
  assert.notDeepEqual(compiled.material, before);
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
  const { director, write, reload } = await startDirector();
  const drained = director.drain(1_000);
  assert.equal(director.phase, "draining");
  write(documentWith(8444));
  await assert.rejects(reload(), { code: "draining" });
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
