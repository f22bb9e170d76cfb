import assert from "node:assert/strict";
import { test } from "node:test";
import type { Revision } from "#model/document.ts";
import { DirectorError } from "#model/failure.ts";
import { parseDocument } from "#model/parse-document.ts";
import { eventually } from "#harness/deadline.ts";
import { makeFakePool, type FakePool } from "../../test/fixtures/fake-pool.ts";
import {
  changeDocument,
  type ChangeParts,
  type StateInForce,
  type WantedState,
} from "./change-document.ts";
import type { RevisionStore, StoredDocument } from "./state/revision-store.ts";

/** A document of one redirect listener: it needs no certificate. */
const wanted = (port: number): WantedState => {
  const listeners = [{ port, mode: "redirect" }];
  const { document, problems } = parseDocument({
    profiles: { shop: { vnics: { front: { ip: "127.0.0.1", listeners } } } },
  });
  return { document, sources: { certificates: new Map(), trusts: new Map() }, problems };
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
    electorate: fake.pool,
    engine: "bun",
    store,
    workers: 2,
    connectionsPerWorker: () => 100,
    nextNumber: () => (number += 1),
    probe: () => Promise.resolve(),
  };
  const first = await changeDocument(undefined, wanted(80), parts);
  return { fake, store, parts, first };
}

const serveOnly = (fake: FakePool, number: number): boolean =>
  fake.pool.statuses().length === 2 &&
  fake.pool.statuses().every(({ snapshot }) => snapshot === number);

test("a change is saved, and on every worker, when it resolves", async () => {
  const { fake, store, parts, first } = await serveFirst();
  assert.equal(first.revision, 1);
  const second = await changeDocument(first, wanted(81), parts);
  assert.equal(second.revision, 2);
  assert.equal((await store.latest())?.revision, 2);
  assert.ok(!("director" in ((await store.latest())?.document ?? {})));
  assert.ok(serveOnly(fake, 2));
});

test("an equal document changes nothing and asks no worker", async () => {
  const { fake, parts, first } = await serveFirst();
  const before = fake.journal().length;
  assert.equal(await changeDocument(first, wanted(80), parts), first);
  assert.equal(fake.journal().length, before);
});

test("a document that was saved by an earlier director keeps its revision", async () => {
  const { parts, first } = await serveFirst();
  const again = await changeDocument(undefined, wanted(80), parts);
  assert.equal(again.revision, first.revision);
});

test("a document with problems is refused with all of them", async () => {
  const { fake, parts, first } = await serveFirst();
  const problem = { path: "servers", code: "x", message: "", hint: "", severity: "error" } as const;
  const bad = { document: undefined, sources: undefined, problems: [problem] };
  await assert.rejects(changeDocument(first, bad, parts), {
    code: "document-invalid",
    problems: [problem],
  });
  assert.ok(serveOnly(fake, 1));
});

test("an address that cannot be had refuses the change before any worker is asked", async () => {
  const { fake, store, parts, first } = await serveFirst();
  const before = fake.journal().length;
  const probe = () => Promise.reject(new DirectorError("address-in-use"));
  await assert.rejects(changeDocument(first, wanted(81), { ...parts, probe }), {
    code: "address-in-use",
  });
  assert.equal(fake.journal().length, before);
  assert.equal((await store.latest())?.revision, 1);
});

test("a refusal that a fresh worker shares leaves nothing saved and all workers as before", async () => {
  const { fake, store, parts, first } = await serveFirst();
  fake.order("prepare.refuse", "try.refuse");
  await assert.rejects(changeDocument(first, wanted(81), parts), { code: "listener-unusable" });
  assert.equal((await store.latest())?.revision, 1);
  assert.ok(serveOnly(fake, 1));
  // Numbers and revisions: the refused snapshot's number is used up, its revision is not.
  const next = await changeDocument(first, wanted(82), parts);
  assert.deepEqual([next.revision, next.compiled.snapshot.number], [2, 3]);
});

test("a save that fails rolls every worker back", async () => {
  const { fake, store, parts, first } = await serveFirst();
  store.saves = "not";
  await assert.rejects(changeDocument(first, wanted(81), parts), { code: "state-unwritable" });
  assert.equal(fake.journal().filter((line) => line === "rollback 2").length, 2);
  assert.ok(serveOnly(fake, 1));
});

test("a save that came to be but failed to say so is read back, and goes forward", async () => {
  const { fake, store, parts, first } = await serveFirst();
  store.saves = "without-telling";
  const second = await changeDocument(first, wanted(81), parts);
  assert.equal(second.revision, 2);
  assert.ok(serveOnly(fake, 2));
});

for (const order of ["prepare.die", "prepare.hang", "commit.die", "commit.hang", "committed.die"]) {
  test(`a worker with the order ${order} does not turn the change down`, async () => {
    const { fake, parts, first } = await serveFirst();
    fake.order(order);
    const second = await changeDocument(first, wanted(81), parts);
    assert.equal(second.revision, 2);
    for (const { state, snapshot } of fake.pool.statuses()) {
      assert.ok(state === "starting" || snapshot === 2, `${state} on snapshot ${snapshot}`);
    }
    await eventually(() => serveOnly(fake, 2));
  });
}
