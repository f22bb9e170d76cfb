import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { eventually } from "#harness/deadline.ts";
import type { Director } from "#harness/director.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong, type Engine } from "#harness/engines.ts";
import { floodAndLeave, floodSilently, floodWithGarbage } from "#harness/floods.ts";
import { keepComing } from "#harness/good-clients.ts";
import { memoryOf, openFileCount } from "#harness/process-facts.ts";
import { startShop } from "#harness/shop.ts";
import { scaled } from "#harness/run-length.ts";

interface Floods {
  readonly engine: Engine;
  readonly silent: number;
  readonly leaving: number;
  readonly garbage: number;
  /** The handshake deadline of the listener, after which silent clients are gone. */
  readonly handshakeDeadline: string;
}

const goodPerSecond = 50;

/** Floods one listener of a director with two workers in all ways at once, and asserts what must be so meanwhile and after. */
async function withstandFloods(t: TestContext, floods: Floods): Promise<void> {
  const { silent, leaving, garbage } = floods;
  const endpoint = await startEchoEndpoint();
  const shop = await startShop({
    engine: floods.engine,
    workers: 2,
    listeners: {
      front: {
        to: endpoint.port,
        accessLog: "off",
        timeouts: { handshake: floods.handshakeDeadline },
      },
    },
  });
  const { director, ip: host } = shop;
  const pids = await director.workerPids();
  const openFiles = pids.map(openFileCount);
  const memoryBefore = megabytesOf(pids);

  const target = { host, port: shop.portOf("front") };
  const flooding = Promise.all([
    floodSilently(target, silent),
    floodAndLeave(target, leaving),
    floodWithGarbage(target, garbage),
  ]);
  const connect = (deadlineMs: number) => shop.connect("front", { deadlineMs });
  const good = await keepComing(connect, goodPerSecond, flooding);
  await flooding;

  await assertCounted(director, good.served, floods);
  const quantile = (share: number): string =>
    `${(good.durationsMs[Math.floor(share * (good.served - 1))] ?? 0).toFixed(0)} ms`;
  t.diagnostic(
    `${good.served} good clients: median ${quantile(0.5)}, 99th percentile ${quantile(0.99)}, slowest ${quantile(1)}; ` +
      `workers' memory ${memoryBefore} MB before, ${megabytesOf(pids)} MB after`,
  );
  assert.deepEqual(await director.workerPids(), pids);
  await eventually(
    () => pids.every((pid, at) => openFileCount(pid) <= (openFiles[at] ?? 0)),
    10_000,
    () => `${pids.map(openFileCount).join()} open files, down to ${openFiles.join()}`,
  );
}

async function assertCounted(director: Director, good: number, floods: Floods): Promise<void> {
  await eventually(
    async () => {
      const metrics = await director.metrics();
      const failed = (cause: string): number =>
        metrics.sum("tlsd_handshakes_failed_total", { cause });
      const counted = {
        good: metrics.sum("tlsd_handshakes_total"),
        // On a busy machine, the bytes of a client may arrive after the deadline.
        silentOrGarbage: failed("deadline") + failed("not-tls"),
        // The kernel resets what a client leaves before it was accepted, and closes what it leaves later.
        leaving: failed("closed") + failed("reset"),
        all: metrics.sum("tlsd_handshakes_failed_total"),
        open: metrics.sum("tlsd_connections_open"),
      };
      const { silent, leaving, garbage } = floods;
      const silentOrGarbage = silent + garbage;
      const all = silentOrGarbage + leaving;
      assert.deepEqual(counted, { good, silentOrGarbage, leaving, all, open: 0 });
      assert.ok(failed("deadline") >= silent && failed("not-tls") > 0);
      return true;
    },
    15_000,
    "the count of all that came",
  );
}

const megabytesOf = (pids: readonly number[]): string =>
  (pids.reduce((sum, pid) => sum + memoryOf(pid).pssBytes, 0) / 2 ** 20).toFixed(0);

const floods = scaled({
  short: { silent: 200, leaving: 500, garbage: 200, handshakeDeadline: "6s" },
  long: { silent: 2_000, leaving: 5_000, garbage: 2_000, handshakeDeadline: "10s" },
});

forEachEngineIfLong("node", (engine) => {
  describe("while silent clients, clients that leave and clients that send chance come at once", () => {
    it("50 good clients a second are all served, and what came is counted by cause and gone", async (t) => {
      await withstandFloods(t, { engine, ...floods });
    });
  });
});
