import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ChangeReply } from "#model/records/change-reply.ts";
import { forEachEngine, type Engine } from "#harness/engines.ts";
import { filesOf, InventoryShop } from "#harness/inventory-shop.ts";
import { isEvent } from "#harness/log-capture.ts";
import { ask, shownSerials } from "#harness/many-clients.ts";
import { processOf } from "#harness/worker-of.ts";
import { rawConnect } from "#harness/socket-client.ts";
import { tlsConnect, type TlsConnectOptions } from "#harness/tls-client.ts";
import { twoWorkersOf, untilServing } from "#harness/worker-changes.ts";

const changeMs = 60_000;
/** When a worker is killed after the request: from before the change has its turn until after the proof. */
const killAfterMs = [0, 20, 40, 60, 80, 120, 200];
/** Longer than a commit may take, and shorter than a worker may hang. */
const stoppedMs = 3_500;

const clientOf = ({ ip, ca }: InventoryShop): TlsConnectOptions => ({
  ...{ host: ip, port: 8443, ca: ca.certificatePem, servername: "shop.example" },
});

/** Rotates to a new version. Resolves to its serial and to the reply. */
async function rotate(
  shop: InventoryShop,
): Promise<{ readonly serial: string; readonly reply: ChangeReply }> {
  const issued = await shop.issue();
  const reply = await shop.do("certificates/shop/rotate", { files: filesOf(issued) });
  assert.deepEqual(
    new Set(reply.proof?.shown.map(({ serial }) => serial.toLowerCase())),
    new Set([issued.serial]),
  );
  assert.deepEqual(reply.proof?.unproven, []);
  return { serial: issued.serial, reply };
}

async function startShop(engine: Engine, workers: number): Promise<InventoryShop> {
  // Proofs need no file.
  const env = { TMPDIR: `/does/not/exist/${"long/".repeat(40)}` };
  const settings = { drain: "1h" };
  const shop = await InventoryShop.start({ engine, workers, env, settings });
  await shop.do("certificates/shop", { files: filesOf(await shop.issue()) });
  return shop;
}

forEachEngine((engine) => {
  it("the reply to a rotation holds for every worker, whatever happens to workers meanwhile", async () => {
    const shop = await startShop(engine, 2);
    const { director } = shop;
    const target = clientOf(shop);

    // Two at once: one after the other.
    const issued = [await shop.issue(), await shop.issue()];
    const replies = await Promise.all(
      issued.map((one) => shop.do("certificates/shop/rotate", { files: filesOf(one) })),
    );
    const active = (await shop.versions()).find(({ state }) => state === "active");
    assert.equal(active?.facts?.serialNumber.toLowerCase(), await shop.servedSerial());
    for (const [at, { proof }] of replies.entries()) {
      const serials = proof?.shown.map(({ serial }) => serial.toLowerCase());
      assert.deepEqual(serials, [issued[at]?.serial, issued[at]?.serial]);
    }

    // A worker that drains has a client that has said nothing yet, and is stopped when it is to follow.
    const served = await tlsConnect(target);
    const silent = await rawConnect(target);
    const old = await untilServing(director, 2);
    const pids = old.map(({ pid }) => pid);
    const pid = processOf(served, pids);
    const from = director.logs.length;
    director.signal("SIGUSR2");
    // A rotation while workers are replaced.
    const early = await rotate(shop);
    assert.deepEqual(await shownSerials(target), [early.serial]);
    await director.waitForLog((line) => isEvent(line, "workers-replaced"), changeMs, from);
    const holder = processOf(silent, pids);
    process.kill(holder, "SIGSTOP");
    const rotating = rotate(shop);
    await delay(stoppedMs);
    process.kill(holder, "SIGCONT");
    const late = await rotating;
    const slow = await tlsConnect({ ...target, over: silent });
    assert.equal(slow.facts.peerCertificate.serialNumber.toLowerCase(), late.serial);
    await ask(served);
    assert.ok(pid > 0);
    for (const client of [served, slow]) {
      client.end();
      await client.read.toEnd();
    }

    for (const ms of killAfterMs) {
      await untilServing(director, 2, pids);
      const [first] = await twoWorkersOf(director);
      const killed = delay(ms).then(() => process.kill(first, "SIGKILL"));
      const { serial } = await rotate(shop);
      await killed;
      // Connections that the killed worker has accepted are lost with it.
      await untilServing(director, 2, [first]);
      assert.deepEqual(await shownSerials(target), [serial]);
    }
  });

  const crowd = 32;
  it(`each of ${crowd} workers proves a rotation, also while one of them is stopped`, async () => {
    const shop = await startShop(engine, crowd);
    await untilServing(shop.director, crowd);
    const all = await rotate(shop);
    assert.equal(all.reply.proof?.shown.length, crowd);
    assert.deepEqual(all.reply.proof.replaced, []);
    const [stopped] = await shop.director.workers();
    assert.ok(stopped !== undefined);
    process.kill(stopped.pid, "SIGSTOP");
    const rest = await rotate(shop);
    assert.ok((rest.reply.proof?.shown.length ?? 0) >= crowd - 1);
    assert.deepEqual(await shownSerials(clientOf(shop), 2 * crowd), [rest.serial]);
  });
});
