import assert from "node:assert/strict";
import { it } from "node:test";
import { createSecureContext } from "node:tls";
import { forEachEngine } from "#harness/engines.ts";
import { makeFullHandshake } from "#harness/full-handshakes.ts";
import { filesOf, InventoryShop } from "#harness/inventory-shop.ts";
import { memoryOf } from "#harness/process-facts.ts";

const rotations = 1_800;
const handshakesEach = 2;
const sampleEach = 20;
const certificates = 16;
/**
 * A TLS context of Node takes 42 KB, and 600 of them 24 MiB. The engine collects the garbage of rotations in steps of up
 * to 30 MiB, so only the lowest values tell what stays.
 */
const mostGrowthMib = 16;
/** What the processes may take more than after their start, garbage included. */
const mostAboveStartMib = { control: 128, worker: 80 };

const mibOf = (pid: number): number => memoryOf(pid).anonymousBytes / 1_048_576;

forEachEngine((engine) => {
  it(`${rotations} rotations leave nothing behind in the memory of any process`, async (t) => {
    const shop = await InventoryShop.start({ engine, workers: 2 });
    const issued = await Promise.all(Array.from({ length: certificates }, () => shop.issue()));
    const filesAt = (at: number) => {
      const one = issued[at % certificates];
      assert.ok(one !== undefined);
      return filesOf(one);
    };
    await shop.do("certificates/shop", { files: filesAt(0) });
    const workers = await shop.director.workerPids();
    const samples = new Map([shop.director.pid, ...workers].map((pid) => [pid, [mibOf(pid)]]));
    const target = { host: shop.ip, port: 8443, servername: "shop.example" };
    const secureContext = createSecureContext({ ca: shop.ca.certificatePem });
    for (let at = 1; at <= rotations; at += 1) {
      const { changed } = await shop.do("certificates/shop/rotate", { files: filesAt(at) });
      assert.equal(changed, true);
      for (let count = 0; count < handshakesEach; count += 1) {
        await makeFullHandshake(target, secureContext, at * handshakesEach + count);
      }
      if (at % sampleEach === 0) for (const [pid, all] of samples) all.push(mibOf(pid));
    }
    assert.deepEqual(await shop.director.workerPids(), workers);
    for (const [pid, [start = 0, ...all]] of samples) {
      const kind = pid === shop.director.pid ? "control" : "worker";
      t.diagnostic(`${kind}, MiB: ${[start, ...all].map(Math.round).join(" ")}`);
      const third = all.length / 3;
      // The first third warms up heaps and caches.
      const warm = Math.min(...all.slice(third, 2 * third));
      const last = Math.min(...all.slice(2 * third));
      assert.ok(last < warm + mostGrowthMib, `${kind}: from ${warm} to ${last} MiB`);
      const most = Math.max(...all);
      assert.ok(most < start + mostAboveStartMib[kind], `${kind}: from ${start} to ${most} MiB`);
    }
  });
});
