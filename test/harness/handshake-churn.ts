import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { eventually } from "./deadline.ts";
import { startEchoEndpoint } from "./endpoints.ts";
import type { Engine } from "./engines.ts";
import { makeFullHandshakes } from "./full-handshakes.ts";
import { memoryOf, openFileCount } from "./process-facts.ts";
import { startShop } from "./shop.ts";

const parts = 10;

/**
 * Has one worker make so many full handshakes, and asserts that all are counted and that its open files go back to what
 * they were. Gives its memory in MiB: at the start, after each tenth, and at the end when it is idle.
 */
export async function churnHandshakes(
  t: TestContext,
  engine: Engine,
  handshakes: number,
): Promise<readonly number[]> {
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
  const memoryMib = (): number => Math.round(memoryOf(pid).pssBytes / 2 ** 20);
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
  samples.push(memoryMib());
  t.diagnostic(
    `${handshakes} full handshakes in ${seconds.toFixed(0)} s; open files ${openFiles} before, ${openFileCount(pid)} after; ` +
      `memory of the worker, MiB: ${samples.join(", ")}`,
  );
  return samples;
}
