import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { freePort, uniqueVirtualIp } from "#harness/addresses.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { listenerNameOf, vnicNameOf } from "#model/names.ts";
import type { Snapshot, SnapshotListener } from "#model/records/snapshot.ts";
import { emptyCompiled } from "#harness/fake-pool.ts";
import { findObstacles, findObstaclesBesideOrphans, heldAfter } from "./find-obstacles.ts";

const NOTHING: ReadonlySet<string> = new Set();

const listeningOn = (virtualIp: string, port: number): Snapshot => {
  const name = listenerNameOf(vnicNameOf("front", "shop"), port);
  const listener = { name, virtualIp, port } as SnapshotListener;
  return { ...emptyCompiled(1).snapshot, listeners: [listener] };
};

async function occupy(virtualIp: string, reusePort: boolean): Promise<number> {
  const port = await freePort(virtualIp);
  const server = createServer();
  await new Promise<void>((resolve) =>
    server.listen({ host: virtualIp, port, reusePort }, resolve),
  );
  closeAtTestEnd(() => void server.close());
  return port;
}

test("a free address passes and is free afterwards", async () => {
  const virtualIp = uniqueVirtualIp();
  const port = await freePort(virtualIp);
  assert.equal((await findObstacles(NOTHING, listeningOn(virtualIp, port))).size, 0);
  assert.equal((await findObstacles(NOTHING, listeningOn(virtualIp, port))).size, 0);
});

for (const reusePort of [false, true]) {
  test(`an address that another program holds is a named failure (SO_REUSEPORT ${reusePort})`, async () => {
    const virtualIp = uniqueVirtualIp();
    const port = await occupy(virtualIp, reusePort);
    const obstacle = (await findObstacles(NOTHING, listeningOn(virtualIp, port))).get(virtualIp);
    assert.equal(obstacle?.code, "address-in-use");
    assert.equal(
      obstacle.detail,
      `Listener front.shop:${port} on ${virtualIp}:${port}: EADDRINUSE.`,
    );
  });
}

test("beside workers of an earlier director, a port that they have is free, and one of another program is not", async () => {
  const virtualIp = uniqueVirtualIp();
  const port = await occupy(virtualIp, true);
  const snapshot = listeningOn(virtualIp, port);
  const uids = new Set([process.getuid?.() ?? 0]);
  const find = (pids: readonly number[]) =>
    findObstaclesBesideOrphans(NOTHING, snapshot, { pids: new Set(pids), uids });
  assert.equal((await find([process.pid])).size, 0);
  assert.equal((await find([])).get(virtualIp)?.code, "address-in-use");
});

test("an address that the workers already use is not probed", async () => {
  const virtualIp = uniqueVirtualIp();
  const port = await occupy(virtualIp, true);
  const snapshot = listeningOn(virtualIp, port);
  assert.equal((await findObstacles(heldAfter(NOTHING, snapshot), snapshot)).size, 0);
});

test("an address that is absent is not probed, and one that disappears just now is not refused", async () => {
  const virtualIp = uniqueVirtualIp();
  const port = await occupy(virtualIp, false);
  const absent = { ...listeningOn(virtualIp, port), absentIps: [virtualIp] };
  assert.equal((await findObstacles(NOTHING, absent)).size, 0);
  assert.equal((await findObstacles(NOTHING, listeningOn("203.0.113.1", 8443))).size, 0);
});

test("an address is held from its first opening until its listener is removed, also while it is absent", () => {
  const open = listeningOn("203.0.113.1", 8443);
  const absent = { ...open, absentIps: ["203.0.113.1"] };
  assert.equal(heldAfter(NOTHING, absent).size, 0);
  const held = heldAfter(NOTHING, open);
  assert.deepEqual([...held], ["203.0.113.1:8443"]);
  assert.deepEqual(heldAfter(held, absent), held);
  assert.equal(heldAfter(held, listeningOn("203.0.113.2", 8443)).has("203.0.113.1:8443"), false);
});
