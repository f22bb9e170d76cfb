import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDocument } from "#model/document/parse-document.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { DirectorError } from "#model/failure.ts";
import type { MaterialId } from "#model/names.ts";
import { pathOf } from "#model/problem.ts";
import { noProver } from "#harness/no-prover.ts";
import { eventually } from "#harness/deadline.ts";
import { FakeDocumentStore } from "#harness/fake-document-store.ts";
import { makeFakePool, type FakePool } from "#harness/fake-pool.ts";
import type { Sources, TrustVersion } from "../certificates/sources.ts";
import { applyChange, type ChangeParts } from "./apply-change.ts";
import type { StateInForce, Wanted, WantedDocument } from "./change.ts";
import { EventBus } from "../event-bus.ts";
import { CutSchedule } from "./cut-schedule.ts";
import { planChange } from "./plan-change.ts";

const IN_USE = new Map([["127.0.0.1", new DirectorError("address-in-use", "Listener x.")]]);

/** A document with one redirect listener, which needs no certificate. */
function changeTo(port: number, file?: WrittenDocument): WantedDocument {
  const listeners = [{ port, mode: "redirect" }];
  const parsed = parseDocument({
    profiles: { shop: { vnics: { front: { ip: "127.0.0.1", listeners } } } },
  });
  const { document, written, problems } = parsed;
  const entries = { certificates: new Map(), trusts: new Map() };
  const checked = { document, written, entries, problems, problemsInForce: [], folder: "/" };
  return { kind: "document", checked, ...(file === undefined ? {} : { file }) };
}

interface Setup {
  readonly fake: FakePool;
  readonly store: FakeDocumentStore;
  readonly parts: ChangeParts;
  readonly first: StateInForce;
}

async function serveFirst(): Promise<Setup> {
  const fake = await makeFakePool();
  await fake.pool.start();
  const store = new FakeDocumentStore();
  let number = 0;
  const parts: ChangeParts = {
    participants: fake.pool,
    store,
    cuts: new CutSchedule(new EventBus((error) => assert.fail(String(error)))),
    workers: 2,
    connectionsPerWorker: () => 100,
    nextNumber: () => (number += 1),
    decideStandby: () => [],
    onStandby: () => [],
    keepsSessions: true,
    prover: noProver,
    findObstacles: () => Promise.resolve(new Map()),
  };
  const first = await apply(undefined, changeTo(80), parts);
  return { fake, store, parts, first };
}

const why = { by: { origin: "socket" }, reason: "a test" } as const;

/** Resolves to the state in force after the change. */
async function apply(
  before: StateInForce | undefined,
  wanted: Wanted,
  parts: ChangeParts,
): Promise<StateInForce> {
  return (await applyChange(before, wanted, why, parts)).after;
}

const serveOnly = (fake: FakePool, number: number): boolean =>
  fake.pool.statuses().length === 2 &&
  fake.pool.statuses().every(({ snapshot }) => snapshot === number);

test("when a change resolves, it is saved and every worker serves it", async () => {
  const { fake, store, parts, first } = await serveFirst();
  assert.equal(first.revision, 1);
  const second = await apply(first, changeTo(81), parts);
  assert.equal(second.revision, 2);
  const { record, document } = (await store.latest()) ?? assert.fail();
  assert.partialDeepStrictEqual(record, { revision: 2, parent: 1, cause: "change", ...why });
  assert.deepEqual(document, second.written);
  assert.ok(serveOnly(fake, 2));
});

test("an equal document changes nothing and asks no worker", async () => {
  const { fake, parts, first } = await serveFirst();
  const before = fake.journal().length;
  assert.equal(await apply(first, changeTo(80), parts), first);
  assert.equal(fake.journal().length, before);
});

test("a deadline for open connections takes effect also if the document is equal", async () => {
  const { fake, store, parts, first } = await serveFirst();
  const cut = { kind: "moved", profile: "shop", afterMs: 60_000 } as const;
  await applyChange(first, changeTo(80), { ...why, cut }, parts);
  assert.deepEqual(
    parts.cuts.planned().map(({ number, profile }) => [number, profile]),
    [[1, "shop"]],
  );
  assert.equal((await store.latest())?.record.revision, 1);
  await applyChange(first, changeTo(81), { ...why, cut }, parts);
  assert.deepEqual(
    parts.cuts.planned().map(({ number }) => number),
    [2],
  );
  // A change that is refused or not saved plans nothing.
  store.saves = "not";
  await assert.rejects(applyChange(first, changeTo(82), { ...why, cut }, parts));
  assert.equal(parts.cuts.planned()[0]?.number, 2);
  assert.equal(fake.pool.statuses().length, 2);
});

test("a document that was saved by an earlier director keeps its revision", async () => {
  const { parts, first } = await serveFirst();
  const again = await apply(undefined, changeTo(80), parts);
  assert.equal(again.revision, first.revision);
});

test("a document with problems is refused with all of them", async () => {
  const { fake, parts, first } = await serveFirst();
  const problem = { path: "servers", code: "x", message: "", hint: "", severity: "error" } as const;
  const problems = { problems: [problem], problemsInForce: [] };
  const nothing = { document: undefined, written: undefined, entries: undefined, folder: "/" };
  const bad: Wanted = { kind: "document", checked: { ...nothing, ...problems } };
  await assert.rejects(apply(first, bad, parts), {
    code: "document-invalid",
    problems: [problem],
  });
  assert.ok(serveOnly(fake, 1));
});

test("the result names what differs, which listeners it affects, and the warnings", async () => {
  const { parts, first } = await serveFirst();
  const same = await applyChange(first, changeTo(80), why, parts);
  assert.deepEqual([same.isChanged, same.after, same.changes()], [false, first, []]);
  const other = await applyChange(first, changeTo(81), why, parts);
  assert.deepEqual([other.isChanged, other.before, other.warnings], [true, first, []]);
  assert.deepEqual(
    other.changes().map(({ path }) => pathOf(...path)),
    ["profiles.shop.vnics.front.listeners.80", "profiles.shop.vnics.front.listeners.81"],
  );
  assert.deepEqual(other.effect(), {
    opens: ["front.shop:81"],
    closes: ["front.shop:80"],
    changes: [],
  });
});

test("a plan asks no worker, and neither probes nor saves", async () => {
  const { fake, store, parts, first } = await serveFirst();
  const asked = fake.journal().length;
  const findObstacles = () => Promise.resolve(IN_USE);
  const plan = planChange(first, changeTo(81), { ...parts, findObstacles } as ChangeParts);
  assert.deepEqual([plan.isChanged, plan.effect().opens], [true, ["front.shop:81"]]);
  assert.equal((await store.latest())?.record.revision, 1);
  assert.equal(fake.journal().length, asked);
});

test("the document of the file is noted with the revision, or alone if it is in force already", async () => {
  const { store, parts, first } = await serveFirst();
  const file = changeTo(81).checked.written ?? assert.fail();
  const second = await apply(first, changeTo(81, file), parts);
  assert.deepEqual([second.revision, store.file], [2, file]);
  const third = await apply(second, changeTo(82), parts);
  const other = changeTo(82).checked.written ?? assert.fail();
  assert.equal(await apply(third, changeTo(82, other), parts), third);
  assert.deepEqual(store.file, other);
});

test("if a failed save cannot be read back, the outcome is unknown", async () => {
  const { fake, store, parts, first } = await serveFirst();
  store.saves = "without-telling";
  store.readsBeforeFailure = 1;
  await assert.rejects(apply(first, changeTo(81), parts), { code: "outcome-unknown" });
  assert.ok(serveOnly(fake, 1));
});

test("new certificate files need a document in force, and keep its revision", async () => {
  const { parts, first } = await serveFirst();
  const trust: TrustVersion = {
    id: "t1" as MaterialId,
    validity: { authorities: [], lists: [] },
    material: { kind: "trust", caPem: "", crlPem: undefined },
  };
  const sources: Sources = { certificates: new Map(), trusts: new Map([["ca.pem", trust]]) };
  const change: Wanted = { kind: "certificates", sources };
  await assert.rejects(apply(undefined, change, parts), { code: "not-ready" });
  const after = await apply(first, change, parts);
  assert.deepEqual([after.revision, after.document, after.sources], [1, first.document, sources]);
});

test("a change with an address that cannot be bound is refused before any worker is asked", async () => {
  const { fake, store, parts, first } = await serveFirst();
  const before = fake.journal().length;
  const findObstacles = () => Promise.resolve(IN_USE);
  await assert.rejects(apply(first, changeTo(81), { ...parts, findObstacles }), {
    code: "address-in-use",
  });
  assert.equal(fake.journal().length, before);
  assert.equal((await store.latest())?.record.revision, 1);
});

test("a start with a document of the store serves what other programs leave free", async () => {
  const { store, parts } = await serveFirst();
  const fake = await makeFakePool();
  await fake.pool.start();
  const late = { ...parts, participants: fake.pool, findObstacles: () => Promise.resolve(IN_USE) };
  await assert.rejects(apply(undefined, changeTo(81), late), { code: "address-in-use" });
  const state = await apply(undefined, changeTo(80), late);
  assert.deepEqual([state.revision, state.compiled.snapshot.absentIps], [1, ["127.0.0.1"]]);
  assert.equal(state.absences.get("127.0.0.1")?.code, "address-in-use");
  assert.equal(state.held.size, 0);
  // A change of the document keeps the vNIC down, and the watch of addresses opens it.
  const free = { ...parts, participants: fake.pool };
  const changed = await apply(state, changeTo(81), free);
  assert.deepEqual([...changed.absences.keys()], ["127.0.0.1"]);
  assert.equal((await store.latest())?.record.revision, 2);
});

test("if a fresh worker refuses the change too, nothing is saved and the workers are unchanged", async () => {
  const { fake, store, parts, first } = await serveFirst();
  fake.order("prepare.refuse", "try.refuse");
  await assert.rejects(apply(first, changeTo(81), parts), { code: "listener-unusable" });
  assert.equal((await store.latest())?.record.revision, 1);
  assert.ok(serveOnly(fake, 1));
  // The next change gets a new snapshot number, but the same revision as the refused one.
  const next = await apply(first, changeTo(82), parts);
  assert.deepEqual([next.revision, next.compiled.snapshot.number], [2, 3]);
});

test("a save that fails rolls every worker back", async () => {
  const { fake, store, parts, first } = await serveFirst();
  store.saves = "not";
  await assert.rejects(apply(first, changeTo(81), parts), { code: "state-unwritable" });
  assert.equal(fake.journal().filter((line) => line === "rollback 2").length, 2);
  assert.ok(serveOnly(fake, 1));
});

test("a save that succeeded in spite of an error is found by reading, and the change continues", async () => {
  const { fake, store, parts, first } = await serveFirst();
  store.saves = "without-telling";
  const second = await apply(first, changeTo(81), parts);
  assert.equal(second.revision, 2);
  assert.ok(serveOnly(fake, 2));
});

for (const order of ["prepare.die", "prepare.hang", "commit.die", "commit.hang", "committed.die"]) {
  test(`a worker with the order ${order} does not make the change fail`, async () => {
    const { fake, parts, first } = await serveFirst();
    fake.order(order);
    const second = await apply(first, changeTo(81), parts);
    assert.equal(second.revision, 2);
    for (const { state, snapshot } of fake.pool.statuses()) {
      assert.ok(state === "starting" || snapshot === 2, `${state} on snapshot ${snapshot}`);
    }
    await eventually(() => serveOnly(fake, 2));
  });
}
