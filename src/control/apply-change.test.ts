import assert from "node:assert/strict";
import { test } from "node:test";
import type { Revision } from "#model/document/document.ts";
import { DirectorError } from "#model/failure.ts";
import type { MaterialId } from "#model/names.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import { eventually } from "#harness/deadline.ts";
import { makeFakePool, type FakePool } from "#harness/fake-pool.ts";
import { applyChange, type ChangeParts } from "./apply-change.ts";
import type { Sources, TrustVersion } from "./certificates/sources.ts";
import type { Change, StateInForce } from "./change.ts";
import { NO_DIFFERENCE } from "./change-difference.ts";
import type { RevisionStore, StoredDocument } from "./state/revision-store.ts";

/** A document with one redirect listener, which needs no certificate. */
const changeTo = (port: number, terms: Partial<Change> = {}): Change => {
  const listeners = [{ port, mode: "redirect" }];
  const { document, written, problems } = parseDocument({
    profiles: { shop: { vnics: { front: { ip: "127.0.0.1", listeners } } } },
  });
  const entries = { certificates: new Map(), trusts: new Map() };
  const checked = { document, written, entries, problems, problemsInForce: [], folder: "/" };
  return { wanted: { kind: "document", checked }, actor: "api", ...terms };
};

type Saves = "well" | "not" | "without-telling";

class FakeStore implements RevisionStore {
  saves: Saves = "well";
  #latest: { revision: Revision; document: StoredDocument; savedAt: string } | undefined;

  async latest() {
    return this.#latest;
  }

  async save(revision: Revision, document: StoredDocument): Promise<void> {
    if (this.saves === "not") throw new Error("disk full");
    this.#latest = { revision, document, savedAt: "" };
    if (this.saves === "without-telling") throw new Error("connection lost");
  }

  close(): void {}
}

interface Setup {
  readonly fake: FakePool;
  readonly store: FakeStore;
  readonly parts: ChangeParts;
  readonly first: StateInForce;
}

async function serveFirst(): Promise<Setup> {
  const fake = await makeFakePool();
  await fake.pool.start();
  const store = new FakeStore();
  let number = 0;
  const parts: ChangeParts = {
    participants: fake.pool,
    store,
    workers: 2,
    connectionsPerWorker: () => 100,
    nextNumber: () => (number += 1),
    probe: () => Promise.resolve(),
  };
  const first = await apply(undefined, changeTo(80), parts);
  return { fake, store, parts, first };
}

/** Resolves to the state in force after the change. */
async function apply(
  before: StateInForce | undefined,
  change: Change,
  parts: ChangeParts,
): Promise<StateInForce> {
  const { after } = await applyChange(before, change, parts);
  return after ?? assert.fail("nothing is in force");
}

const serveOnly = (fake: FakePool, number: number): boolean =>
  fake.pool.statuses().length === 2 &&
  fake.pool.statuses().every(({ snapshot }) => snapshot === number);

test("when a change resolves, it is saved and every worker serves it", async () => {
  const { fake, store, parts, first } = await serveFirst();
  assert.equal(first.revision, 1);
  const second = await apply(first, changeTo(81), parts);
  assert.equal(second.revision, 2);
  assert.equal((await store.latest())?.revision, 2);
  assert.ok(!("director" in ((await store.latest())?.document ?? {})));
  assert.ok(serveOnly(fake, 2));
});

test("an equal document changes nothing and asks no worker", async () => {
  const { fake, parts, first } = await serveFirst();
  const before = fake.journal().length;
  assert.equal(await apply(first, changeTo(80), parts), first);
  assert.equal(fake.journal().length, before);
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
  const checked = {
    document: undefined,
    written: undefined,
    entries: undefined,
    folder: "/",
    ...problems,
  };
  const bad: Change = { wanted: { kind: "document", checked }, actor: "api" };
  await assert.rejects(apply(first, bad, parts), {
    code: "document-invalid",
    problems: [problem],
  });
  assert.ok(serveOnly(fake, 1));
});

test("the result names the revision, what differs and the warnings", async () => {
  const { parts, first } = await serveFirst();
  const same = await applyChange(first, changeTo(80), parts);
  assert.deepEqual([same.revision, same.isChanged, same.after], [1, false, first]);
  assert.deepEqual(same.difference(), NO_DIFFERENCE);
  assert.deepEqual(
    same.warnings.map(({ code }) => code),
    [],
  );
  const other = await applyChange(first, changeTo(81), parts);
  assert.deepEqual([other.revision, other.isChanged, other.before], [2, true, first]);
  assert.deepEqual(other.difference(), {
    ...NO_DIFFERENCE,
    listeners: { added: ["front.shop:81"], removed: ["front.shop:80"], changed: [] },
  });
});

test("a change is refused if it expects another revision than the one in force", async () => {
  const { fake, parts, first } = await serveFirst();
  const before = fake.journal().length;
  await assert.rejects(apply(first, changeTo(81, { expectedRevision: 2 }), parts), {
    code: "revision-conflict",
    detail: "Revision 2 was expected, and revision 1 is in force.",
  });
  await assert.rejects(apply(undefined, changeTo(81, { expectedRevision: 2 }), parts), {
    code: "revision-conflict",
  });
  assert.equal(fake.journal().length, before);
  const second = await apply(first, changeTo(81, { expectedRevision: 1 }), parts);
  assert.equal(second.revision, 2);
});

test("a dry run is tried by a fresh worker, and changes and saves nothing", async () => {
  const { fake, store, parts, first } = await serveFirst();
  const before = fake.journal().length;
  const { after, ...tried } = await applyChange(first, changeTo(81, { dryRun: true }), parts);
  assert.deepEqual([tried.revision, tried.isChanged, after], [2, true, first]);
  assert.deepEqual(tried.difference().listeners.added, ["front.shop:81"]);
  assert.equal((await store.latest())?.revision, 1);
  const asked = fake.journal().slice(before);
  assert.deepEqual(
    asked.filter((line) => /^(?:try|prepare|commit)/.test(line)),
    ["try 2 base 0 listeners 1 material 0"],
  );
  assert.ok(serveOnly(fake, 1));
});

test("a dry run is refused for the reasons for which the change would be refused", async () => {
  const { fake, parts, first } = await serveFirst();
  const dryRun = changeTo(81, { dryRun: true });
  fake.order("try.refuse");
  await assert.rejects(apply(first, dryRun, parts), { code: "listener-unusable" });
  fake.order("try.die");
  await assert.rejects(apply(first, dryRun, parts), { code: "worker-failed" });
  const probe = () => Promise.reject(new DirectorError("address-in-use"));
  await assert.rejects(apply(first, dryRun, { ...parts, probe }), { code: "address-in-use" });
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
  const change: Change = {
    wanted: { kind: "certificates", sources },
    actor: "certificate-watcher",
  };
  await assert.rejects(apply(undefined, change, parts), { code: "not-ready" });
  const after = await apply(first, change, parts);
  assert.deepEqual([after.revision, after.document, after.sources], [1, first.document, sources]);
});

test("a change with an address that cannot be bound is refused before any worker is asked", async () => {
  const { fake, store, parts, first } = await serveFirst();
  const before = fake.journal().length;
  const probe = () => Promise.reject(new DirectorError("address-in-use"));
  await assert.rejects(apply(first, changeTo(81), { ...parts, probe }), {
    code: "address-in-use",
  });
  assert.equal(fake.journal().length, before);
  assert.equal((await store.latest())?.revision, 1);
});

test("if a fresh worker refuses the change too, nothing is saved and the workers are unchanged", async () => {
  const { fake, store, parts, first } = await serveFirst();
  fake.order("prepare.refuse", "try.refuse");
  await assert.rejects(apply(first, changeTo(81), parts), { code: "listener-unusable" });
  assert.equal((await store.latest())?.revision, 1);
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
