import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { eventually } from "#harness/deadline.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong, type Engine } from "#harness/engines.ts";
import { makeFullHandshakes } from "#harness/full-handshakes.ts";
import { memoryOf, openFileCount } from "#harness/process-facts.ts";
import { startShop } from "#harness/shop.ts";
import { scaled } from "#harness/run-length.ts";

const parts = 20;
/** Heap and caches grow to their size in this time. */
const warmUpParts = 4;

/** An engine that is idle takes its time to give back what it has collected. */
const idleDeadlineMs = 60_000;

/**
 * Has one worker make so many full handshakes, and asserts that all are counted, that its open files go back to what
 * they were, and that in the second half of them, or when it is idle after that, its memory comes down to at most
 * `mostGrowthMib` over the lowest of the first half, warm-up left out.
 */
async function churnHandshakes(
  t: TestContext,
  engine: Engine,
  handshakes: number,
  mostGrowthMib: number,
): Promise<void> {
  const endpoint = await startEchoEndpoint();
  const shop = await startShop({
    engine,
    listeners: { front: { to: endpoint.port, accessLog: "off" } },
  });
  const target = {
    host: shop.ip,
    port: shop.portOf("front"),
    ca: shop.ca.certificatePem,
    servername: "shop.example",
  };
  const pid = await shop.workerPid();
  const memoryMib = (): number => Math.round(memoryOf(pid).anonymousBytes / 2 ** 20);
  const openFiles = openFileCount(pid);
  const startedMs = performance.now();
  const samples = [memoryMib()];
  for (let part = 0; part < parts; part += 1) {
    await makeFullHandshakes(target, handshakes / parts);
    samples.push(memoryMib());
  }
  const seconds = (performance.now() - startedMs) / 1_000;

  await shop.untilOpenFiles(openFiles);
  await eventually(async () => {
    const metrics = await shop.director.metrics();
    assert.equal(metrics.sum("tlsd_handshakes_total", { session: "new" }), handshakes);
    assert.equal(metrics.sum("tlsd_connections_ended_total"), handshakes);
    assert.equal(metrics.sum("tlsd_connections_open"), 0);
    const [worker] = await shop.director.workers();
    assert.equal(worker?.openConnections, 0);
    return true;
  }, 15_000);
  assert.equal(await shop.workerPid(), pid);
  // A heap breathes by tens of MiB: what is in use shows where it has just been collected.
  const warm = Math.min(...samples.slice(1 + warmUpParts, 1 + parts / 2));
  const isFlat = (): boolean => {
    const idle = memoryMib();
    if (idle !== samples.at(-1)) samples.push(idle);
    return Math.min(...samples.slice(1 + parts / 2)) < warm + mostGrowthMib;
  };
  try {
    const what = `memory below ${warm} + ${mostGrowthMib} MiB`;
    await eventually(isFlat, idleDeadlineMs, () => `${what}, after ${samples.join(", ")}`);
  } finally {
    t.diagnostic(
      `${handshakes} full handshakes in ${seconds.toFixed(0)} s; open files ${openFiles} before, ${openFileCount(pid)} after; ` +
        `memory of the worker, MiB: ${samples.join(", ")}`,
    );
  }
}

const handshakes = scaled({ short: 3_000, long: 60_000 });
/** A long run allows half a KiB for each handshake of its second half. In a short run, the heap still grows. */
const mostGrowthMib = scaled({ short: { bun: 16, node: 64 }, long: { bun: 16, node: 16 } });
/** The deadline allows for a machine with much other work. */
const deadlineMs = scaled({ short: 300_000, long: 3_600_000 });

forEachEngineIfLong("node", (engine) => {
  describe(`after ${handshakes} full handshakes`, () => {
    it(
      "the open files of the worker are back at their base and its memory is flat",
      { timeout: deadlineMs },
      async (t) => {
        await churnHandshakes(t, engine, handshakes, mostGrowthMib[engine]);
      },
    );
  });
});
