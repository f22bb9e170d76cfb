import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { eventually } from "#harness/deadline.ts";
import { DirectorError } from "#model/failure.ts";
import type { MaterialId } from "#model/names.ts";
import { emptyCompiled, makeFakePool, type FakePool } from "#harness/fake-pool.ts";
import { refuseTooLarge, Rollout } from "./rollout.ts";

const servingAll = (fake: FakePool, snapshot: number, size = 2): boolean => {
  const serving = fake.pool
    .statuses()
    .filter((status) => status.state === "serving" && status.snapshot === snapshot);
  return serving.length === size && fake.pool.statuses().length === size;
};

const restartsOf = (fake: FakePool): readonly string[] =>
  fake.told.filter((line) => line.startsWith("restarted"));

async function replaceFirst(fake: FakePool): Promise<void> {
  const [worker] = fake.pool.participants();
  assert.ok(worker !== undefined);
  await fake.pool.replace(worker);
}

// They mostly wait for deadlines.
describe("a pool of workers", { concurrency: 3 }, () => {
  test("a worker gets ticket keys and health before its first prepare, then differences", async () => {
    const fake = await makeFakePool({ size: 1 });
    fake.pool.setHealth(["127.0.0.1:80"]);
    await fake.pool.start();
    await fake.rollOut(1);
    await fake.rollOut(2);
    assert.deepEqual(fake.journal(), [
      "ticket-keys 32",
      "health 127.0.0.1:80",
      "prepare 1 base 0 listeners 0 material 0",
      "commit 1",
      "prepare 2 base 1 listeners 0 material 0",
      "commit 2",
    ]);
    assert.ok(servingAll(fake, 2, 1));
  });

  test("a refusal that a fresh worker shares turns the change down and rolls the others back", async () => {
    const fake = await makeFakePool();
    await fake.pool.start();
    await fake.rollOut(1);
    fake.order("prepare.refuse", "try.refuse");
    const rollout = new Rollout(fake.pool, emptyCompiled(2));
    await assert.rejects(rollout.prepare(), { code: "listener-unusable", detail: "as ordered" });
    assert.equal(fake.journal().filter((line) => line === "rollback 2").length, 1);
    assert.ok(servingAll(fake, 1));
    await fake.rollOut(3);
    assert.ok(servingAll(fake, 3));
    assert.deepEqual(restartsOf(fake), []);
  });

  test("a refusal that a fresh worker does not share costs the refuser its place, and the change goes on", async () => {
    const fake = await makeFakePool();
    await fake.pool.start();
    await fake.rollOut(1);
    fake.order("prepare.refuse");
    await fake.rollOut(2);
    await eventually(() => servingAll(fake, 2));
    assert.deepEqual(restartsOf(fake), ["restarted refused"]);
    const asked = fake
      .journal()
      .slice(fake.journal().indexOf("try 2 base 0 listeners 0 material 0"));
    const inOrder = ["prepare 2 base 0 listeners 0 material 0", "commit 2", "drain"];
    assert.deepEqual(asked.filter((line) => inOrder.includes(line)).slice(-3), inOrder);
  });

  test("a worker that finds a port taken is asked again, and replaced only if it refuses again", async () => {
    const fake = await makeFakePool({ size: 1 });
    await fake.pool.start();
    await fake.rollOut(1);
    fake.order("prepare.taken");
    await fake.rollOut(2);
    assert.deepEqual([servingAll(fake, 2, 1), restartsOf(fake)], [true, []]);
    fake.order("prepare.taken-1", "prepare.taken-2");
    await fake.rollOut(3);
    await eventually(() => servingAll(fake, 3, 1));
    assert.deepEqual(restartsOf(fake), ["restarted refused"]);
  });

  test("when every worker refuses what a fresh one takes, their successors decide", async () => {
    const fake = await makeFakePool();
    await fake.pool.start();
    await fake.rollOut(1);
    fake.order("prepare.refuse-1", "prepare.refuse-2");
    await fake.rollOut(2);
    await eventually(() => servingAll(fake, 2));
    assert.deepEqual(restartsOf(fake), ["restarted refused", "restarted refused"]);
    assert.equal(fake.journal().filter((line) => line.startsWith("try ")).length, 1);
    assert.equal(fake.journal().filter((line) => line === "drain").length, 2);
  });

  test("a change that each successor refuses again is turned down", async () => {
    const fake = await makeFakePool({ size: 1 });
    await fake.pool.start();
    await fake.rollOut(1);
    fake.order("prepare2.refuse-1", "prepare2.refuse-2", "prepare2.refuse-3");
    await assert.rejects(fake.rollOut(2), { code: "listener-unusable", detail: "as ordered" });
    assert.equal(fake.journal().filter((line) => line.startsWith("try 2 ")).length, 3);
    await eventually(() => servingAll(fake, 1, 1));
    await fake.rollOut(3);
    await eventually(() => servingAll(fake, 3, 1));
  });

  for (const act of ["die", "hang"] as const) {
    test(`when the probe is ordered to ${act}, the refusal stands`, async () => {
      const fake = await makeFakePool();
      await fake.pool.start();
      await fake.rollOut(1);
      fake.order("prepare.refuse", `try.${act}`);
      await assert.rejects(fake.rollOut(2), { code: "listener-unusable", detail: "as ordered" });
      assert.ok(servingAll(fake, 1));
      assert.deepEqual(restartsOf(fake), []);
    });
  }

  test("a record of workers that cannot be written changes nothing about them", async () => {
    const fake = await makeFakePool({
      onRoster: () => {
        throw new Error("ENOSPC: no space left on device");
      },
    });
    await fake.pool.start();
    await fake.rollOut(1);
    for (const { id } of fake.pool.statuses()) {
      const worker = fake.pool.participants().find((participant) => participant.id === id);
      assert.ok(worker !== undefined);
      await fake.pool.replace(worker);
    }
    await eventually(() => servingAll(fake, 1));
    process.kill(fake.pool.statuses()[0]?.pid ?? 0, "SIGKILL");
    await eventually(() => restartsOf(fake).length === 1 && servingAll(fake, 1));
  });

  test("a worker that cannot be started has failed, and says why", async () => {
    const fake = await makeFakePool({ size: 1, command: { file: "/nonexistent/program" } });
    await assert.rejects(fake.pool.start(), { code: "worker-failed", detail: /ENOENT/ });
  });

  for (const [act, cause] of [
    ["die", "exited"],
    ["hang", "prepare-deadline"],
    ["garble", "misbehaved"],
    ["stray", "misbehaved"],
  ] as const) {
    test(`a worker that is ordered to ${act} during prepare does not stop the change and is replaced`, async () => {
      const fake = await makeFakePool();
      await fake.pool.start();
      await fake.rollOut(1);
      fake.order(`prepare.${act}`);
      await fake.rollOut(2);
      assert.ok(fake.pool.statuses().some(({ snapshot }) => snapshot === 2));
      await eventually(() => servingAll(fake, 2));
      assert.deepEqual(restartsOf(fake), [`restarted ${cause}`]);
      assert.ok(fake.journal().includes("prepare 2 base 0 listeners 0 material 0"));
    });
  }

  test("when every worker dies during prepare, a replacement decides", async () => {
    const fake = await makeFakePool();
    await fake.pool.start();
    await fake.rollOut(1);
    fake.order("prepare.die-1", "prepare.die-2");
    await fake.rollOut(2);
    await eventually(() => servingAll(fake, 2));
    // The replacement served the saved state before it was asked.
    assert.ok(fake.journal().includes("prepare 1 base 0 listeners 0 material 0"));
    assert.ok(fake.journal().includes("prepare 2 base 1 listeners 0 material 0"));
  });

  test("a change over which every worker dies again and again is turned down", async () => {
    const fake = await makeFakePool({ size: 1 });
    await fake.pool.start();
    fake.order("prepare.die-1", "prepare.die-2", "prepare.die-3");
    await assert.rejects(fake.rollOut(1), { code: "worker-failed" });
    await fake.rollOut(2);
    assert.ok(servingAll(fake, 2, 1));
  });

  for (const [act, cause] of [
    ["die", "exited"],
    ["hang", "commit-deadline"],
  ] as const) {
    test(`commit resolves when a worker that is ordered to ${act} at it is gone`, async () => {
      const fake = await makeFakePool();
      await fake.pool.start();
      await fake.rollOut(1);
      fake.order(`commit.${act}`);
      await fake.rollOut(2);
      assert.ok(
        fake.pool.statuses().every(({ state, snapshot }) => state === "starting" || snapshot === 2),
      );
      await eventually(() => servingAll(fake, 2));
      assert.deepEqual(restartsOf(fake), [`restarted ${cause}`]);
    });
  }

  test("a worker that dies between the save and the commit is replaced on the new state", async () => {
    const fake = await makeFakePool();
    await fake.pool.start();
    await fake.rollOut(1);
    const rollout = new Rollout(fake.pool, emptyCompiled(2));
    await rollout.prepare();
    process.kill(fake.pool.statuses()[0]?.pid ?? 0, "SIGKILL");
    await rollout.commit([]);
    await eventually(() => servingAll(fake, 2), 20_000);
    assert.ok(!fake.journal().includes("rollback 2"));
  });

  test("a worker that comes up during a change gets the saved state, then the change", async () => {
    const fake = await makeFakePool();
    await fake.pool.start();
    await fake.rollOut(1);
    const rollout = new Rollout(fake.pool, emptyCompiled(2));
    await rollout.prepare();
    process.kill(fake.pool.statuses()[0]?.pid ?? 0, "SIGKILL");
    const newcomer = () => fake.pool.statuses().find(({ id }) => id === 3);
    await eventually(() => newcomer()?.state === "serving");
    assert.equal(newcomer()?.snapshot, 1);
    await rollout.commit([]);
    assert.ok(servingAll(fake, 2));
    assert.ok(fake.journal().includes("prepare 1 base 0 listeners 0 material 0"));
    const differences = fake.journal().filter((line) => line.startsWith("prepare 2 base 1"));
    assert.equal(differences.length, 3);
  });

  test("a worker that is about to serve the saved state while a newer one is saved ends on the newer", async () => {
    const fake = await makeFakePool();
    await fake.pool.start();
    await fake.rollOut(1);
    fake.order("start.late");
    process.kill(fake.pool.statuses()[0]?.pid ?? 0, "SIGKILL");
    await eventually(() => fake.pool.statuses().some(({ id }) => id === 3));
    await fake.rollOut(2);
    assert.deepEqual(
      fake.pool.statuses().map(({ id, state, snapshot }) => [id, state, snapshot]),
      [
        [2, "serving", 2],
        [3, "starting", 0],
      ],
    );
    await eventually(() => servingAll(fake, 2), 20_000);
    assert.ok(!fake.journal().slice(-2).includes("prepare 1 base 0 listeners 0 material 0"));
  });

  test("a worker that dies after its commit is replaced on that state", async () => {
    const fake = await makeFakePool();
    await fake.pool.start();
    fake.order("committed.die");
    await fake.rollOut(1);
    await eventually(() => restartsOf(fake).length === 1);
    await eventually(() => servingAll(fake, 1));
  });

  test("a worker that hangs in a rollback is replaced on the saved state", async () => {
    const fake = await makeFakePool();
    await fake.pool.start();
    await fake.rollOut(1);
    fake.order("prepare.refuse", "try.refuse", "rollback.hang");
    await assert.rejects(fake.rollOut(2), DirectorError);
    await eventually(() => servingAll(fake, 1));
    assert.deepEqual(restartsOf(fake), ["restarted commit-deadline"]);
  });

  test("a replacement that refuses the saved state is replaced after a growing pause", async () => {
    const fake = await makeFakePool();
    await fake.pool.start();
    await fake.rollOut(1);
    fake.order("prepare.refuse");
    process.kill(fake.pool.statuses()[0]?.pid ?? 0, "SIGKILL");
    await eventually(() => restartsOf(fake).includes("restarted refused"));
    await eventually(() => servingAll(fake, 1));
  });

  test("a silent worker is killed and replaced", async () => {
    const fake = await makeFakePool({ deadlines: { hungMs: 500 } });
    await fake.pool.start();
    await fake.rollOut(1);
    fake.order("heartbeat.stop");
    await eventually(() => restartsOf(fake).includes("restarted hung"));
    await eventually(() => servingAll(fake, 1));
  });

  test("a worker that does not read what it is sent is ended before much of it waits", async () => {
    const fake = await makeFakePool({ size: 1, deadlines: { hungMs: 3_600_000 } });
    await fake.pool.start();
    await fake.rollOut(1);
    process.kill(fake.pool.statuses()[0]?.pid ?? 0, "SIGSTOP");
    const down = Array.from({ length: 1_000 }, (_, at) => `endpoint-${at}`);
    const mostBytes = 10_000_000;
    for (let sentBytes = 0; sentBytes < mostBytes; sentBytes += JSON.stringify(down).length) {
      fake.pool.setHealth(down);
      await turn();
    }
    await eventually(() => restartsOf(fake).length > 0 && servingAll(fake, 1, 1));
    assert.deepEqual(restartsOf(fake), ["restarted hung"]);
  });

  test("a change that would take too much memory of each worker is refused", () => {
    const caPem = "x".repeat(256 * 1024 * 1024);
    const material = new Map([
      ["large" as MaterialId, { kind: "trust", caPem, crlPem: undefined } as const],
    ]);
    assert.throws(() => refuseTooLarge({ ...emptyCompiled(2), material }, undefined), {
      code: "change-too-large",
    });
  });

  for (const [act, code] of [
    ["fail", "worker-failed"],
    ["hang", "worker-failed"],
    ["old", "worker-failed"],
  ] as const) {
    test(`start rejects when every worker is ordered to ${act}`, async () => {
      const fake = await makeFakePool({ size: 1, deadlines: { startMs: 1_500 } });
      fake.order(`start.${act}`);
      await assert.rejects(fake.pool.start(), { code });
    });
  }

  test("what a worker prints becomes notices without control characters", async () => {
    const fake = await makeFakePool({ size: 1 });
    fake.order("start.fail");
    await assert.rejects(fake.pool.start(), /as ordered\\u\{1b\}\[31m \(exit code 3\)/);
    assert.ok(fake.told.includes("notice 1 warn as ordered\\u{1b}[31m"));
  });

  test("a successor serves before its predecessor is told to drain", async () => {
    const fake = await makeFakePool({ size: 1 });
    await fake.pool.start();
    await fake.rollOut(1);
    await replaceFirst(fake);
    assert.deepEqual(fake.journal().slice(-4), [
      "health ",
      "prepare 1 base 0 listeners 0 material 0",
      "commit 1",
      "drain",
    ]);
    await eventually(() => fake.told.includes("gone 1"));
    assert.deepEqual(
      fake.pool.statuses().map(({ id, state }) => [id, state]),
      [[2, "serving"]],
    );
    assert.deepEqual(restartsOf(fake), []);
  });

  test("a successor that fails leaves its predecessor serving", async () => {
    const fake = await makeFakePool({ size: 1 });
    await fake.pool.start();
    await fake.rollOut(1);
    fake.order("start.fail");
    await assert.rejects(replaceFirst(fake), { code: "worker-failed" });
    assert.deepEqual(
      fake.pool.statuses().map(({ id, state }) => [id, state]),
      [[1, "serving"]],
    );
  });

  test("drain ends every worker without a replacement, those that do not go are killed", async () => {
    const fake = await makeFakePool();
    await fake.pool.start();
    await fake.rollOut(1);
    fake.order("draining.hang");
    assert.equal(await fake.pool.drain(200), 2);
    assert.deepEqual(fake.pool.statuses(), []);
    assert.deepEqual(restartsOf(fake), []);
  });

  test("a worker that dies while it drains is not replaced", async () => {
    const fake = await makeFakePool();
    await fake.pool.start();
    fake.order("drain.die");
    await fake.pool.drain(500);
    assert.deepEqual(fake.pool.statuses(), []);
    assert.deepEqual(restartsOf(fake), []);
  });

  test("stop ends workers at once, also in the middle of a drain", async () => {
    const fake = await makeFakePool();
    await fake.pool.start();
    fake.order("draining.hang-1", "draining.hang-2");
    const drained = fake.pool.drain(60_000);
    await eventually(() => fake.journal().filter((line) => line === "drain").length === 2);
    await fake.pool.stop();
    await drained;
    assert.deepEqual(fake.pool.statuses(), []);
  });
});
