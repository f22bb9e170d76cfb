import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { emptyCompiled } from "#harness/fake-pool.ts";
import { emptyState } from "#harness/fake-change-api.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import { DirectorError } from "#model/failure.ts";
import type { SnapshotListener } from "#model/records/snapshot.ts";
import type { StateInForce } from "../change/change.ts";
import { AddressWatch } from "./address-watch.ts";
import { LocalAddresses } from "./local-addresses.ts";

const listeners = [{ port: 80, mode: "redirect" }];

function stateWith(ips: readonly string[]): StateInForce {
  const vnics = Object.fromEntries(ips.map((ip, at) => [`v${at}`, { ip, listeners }]));
  const { document } = parseDocument({ profiles: { shop: { vnics } } });
  const compiled = {
    ...emptyCompiled(1),
    snapshot: {
      ...emptyCompiled(1).snapshot,
      listeners: ips.map((virtualIp) => ({ virtualIp, port: 80 }) as SnapshotListener),
    },
  };
  return { ...emptyState, document: document ?? assert.fail(), compiled };
}

/** A watch of a director that carries out every change, unless `failure` is set. */
function startWatch(...ips: readonly string[]) {
  const own = {
    state: stateWith(ips),
    usable: new Set<string>(),
    taken: new Set<string>(),
    probes: 0,
    changes: 0,
    forced: 0,
    failure: undefined as DirectorError | undefined,
    absent: (): readonly string[] => [...own.state.absences.keys()],
  };
  const addresses = new LocalAddresses(
    (ip) => {
      own.probes += 1;
      return Promise.resolve(own.usable.has(ip));
    },
    () => [],
  );
  const watch = new AddressWatch({
    addresses,
    inForce: () => own.state,
    change: async ({ want }) => {
      own.changes += 1;
      if (own.failure !== undefined) throw own.failure;
      const wanted = await want(own.state);
      assert.ok(wanted.kind === "addresses");
      if (wanted.isForced) own.forced += 1;
      own.state = { ...own.state, absences: wanted.absences };
    },
    findObstacles: (_held, { listeners: wanted }) => {
      const taken = wanted.filter(({ virtualIp }) => own.taken.has(virtualIp));
      const obstacle = new DirectorError("address-in-use", "Listener x.");
      return Promise.resolve(new Map(taken.map(({ virtualIp }) => [virtualIp, obstacle])));
    },
    onFault: (error) => assert.fail(String(error)),
  });
  return { own, watch };
}

const [ONE, TWO] = ["198.51.100.1", "2001:db8::2"] as const;

describe("the watch of addresses", () => {
  it("causes one change when addresses disappear and one when they appear, and none in between", async () => {
    const { own, watch } = startWatch(ONE, TWO);
    await watch.look();
    assert.deepEqual([own.absent(), own.changes], [[ONE, TWO], 1]);
    assert.equal(own.state.absences.get(ONE)?.code, "address-not-available");
    await watch.look();
    assert.equal(own.changes, 1);
    own.usable.add(TWO);
    await watch.look();
    assert.deepEqual([own.absent(), own.changes], [[ONE], 2]);
    own.usable.add(ONE);
    await watch.look();
    assert.deepEqual([own.absent(), own.changes], [[], 3]);
  });

  it("notices an address that disappears although no interface changes", async () => {
    const { own, watch } = startWatch(ONE);
    own.usable.add(ONE);
    await watch.look();
    own.usable.clear();
    for (let look = 0; look < 30; look += 1) await watch.look();
    assert.deepEqual(own.absent(), [ONE]);
  });

  it("keeps an address down whose port is taken, and no other, until the port is free", async () => {
    const { own, watch } = startWatch(ONE, TWO);
    await watch.look();
    own.usable.add(ONE).add(TWO);
    own.taken.add(ONE);
    await watch.look();
    assert.deepEqual([own.absent(), own.changes], [[ONE], 2]);
    const absence = own.state.absences.get(ONE);
    assert.equal(absence?.code, "address-in-use");
    assert.match(absence.reason, /Another program uses the port/);
    await watch.look();
    assert.equal(own.changes, 2);
    own.taken.clear();
    await watch.look();
    assert.deepEqual(own.absent(), []);
  });

  it("probes few of thousands of absent addresses in one look, and each of them in turn", async () => {
    const many = Array.from({ length: 2_000 }, (_, at) => `198.18.${at >> 8}.${at & 255}`);
    const { own, watch } = startWatch(...many);
    await watch.look();
    assert.equal(own.absent().length, 2_000);
    own.probes = 0;
    const last = many.at(-1) ?? "";
    own.usable.add(last);
    let looks = 0;
    while (own.absent().includes(last)) {
      await watch.look();
      looks += 1;
    }
    assert.ok(looks <= 8, `${looks} looks`);
    assert.ok(own.probes <= looks * 256, `${own.probes} probes`);
  });

  it("asks all workers again when one of them could not open a listener, less and less often", async () => {
    const { own, watch } = startWatch(ONE);
    own.usable.add(ONE);
    await watch.look();
    assert.equal(own.changes, 0);
    for (let look = 0; look < 20; look += 1) {
      watch.noteLackingWorker();
      await watch.look();
    }
    assert.deepEqual([own.changes, own.forced], [1, 1]);
  });

  it("does not repeat a change that was refused at once", async () => {
    const { own, watch } = startWatch(ONE);
    own.failure = new DirectorError("worker-failed");
    for (let look = 0; look < 20; look += 1) await watch.look();
    assert.equal(own.changes, 1);
    assert.deepEqual(own.absent(), []);
  });

  it("leaves an address as the check has found it if the document has it since the look", async () => {
    const { own, watch } = startWatch(ONE);
    own.usable.add(ONE);
    const { state } = own;
    const later = { ...stateWith([ONE, TWO]), absences: new Map() };
    later.absences.set(TWO, { code: "address-not-available", reason: "It is not there." });
    watch.noteLackingWorker();
    const looking = watch.look();
    assert.equal(own.state, state);
    own.state = later;
    await looking;
    assert.deepEqual(own.absent(), [TWO]);
  });

  it("does not look at vNICs that the operator has taken down", async () => {
    const { own, watch } = startWatch();
    const vnics = { front: { ip: ONE, admin: "down", listeners } };
    const { document } = parseDocument({ profiles: { shop: { vnics } } });
    own.state = { ...own.state, document: document ?? assert.fail() };
    await watch.look();
    assert.deepEqual([own.probes, own.changes], [0, 0]);
  });
});
