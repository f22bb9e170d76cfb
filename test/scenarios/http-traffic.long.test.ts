import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { startDirector } from "#harness/director.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { forEachEngine } from "#harness/engines.ts";
import { NonceClient, type Tally } from "#harness/nonce-clients.ts";
import { Arrivals, startNonceEndpoint } from "#harness/nonce-endpoint.ts";
import { memoryOf } from "#harness/process-facts.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { writeFiles } from "#harness/temp-folder.ts";
import { createTestCa } from "#harness/test-ca.ts";

/** TLSD_TEST_REQUESTS=1000000 runs the full form, which takes a quarter of an hour an engine on two cores. */
const requests = Number(process.env["TLSD_TEST_REQUESTS"] ?? 30_000);
const clientsOfKind = { keepAlive: 12, pipelining: 3, oneByOne: 2, webSocket: 2 } as const;
/** How long the connections of clients to an endpoint that was down may still fail. */
const afterDisturbanceMs = 1_000;
const pauseMs = 150;
const samples = 60;
/** The engine collects garbage in steps, so only the lowest values tell what stays. */
const mostGrowthMib = 16;

const mibOf = (pid: number): number => memoryOf(pid).anonymousBytes / 1_048_576;

forEachEngine((engine) => {
  it(`answers ${requests} requests of mixed clients through moves, rotations, reloads and dying endpoints`, async (t) => {
    const ca = await createTestCa();
    const ip = uniqueVirtualIp();
    const arrivals = new Arrivals();
    const one = await startNonceEndpoint(arrivals, 50, { host: uniqueVirtualIp() });
    const two = await startNonceEndpoint(arrivals, 2_000, {
      host: uniqueVirtualIp(),
      port: one.port,
    });
    const documentWith = (active: "one" | "two", version: number): object =>
      shopDocument({
        ip,
        servers: { one: one.host, two: two.host },
        to: one.port,
        listener: { mode: "http", responseFields: { set: { "X-Version": `${version}` } } },
        profile: { servers: [active] },
      });
    const certificate = async () => {
      const { chainPem, keyPem } = await ca.issue({ names: ["shop.example"] });
      return { "shop.pem": chainPem, "shop.key": keyPem };
    };
    const director = await startDirector({
      document: documentWith("one", 0),
      engine,
      workers: 1,
      files: await certificate(),
    });
    const [worker = 0] = await director.workerPids();

    let disturbedUntilMs = 0;
    const disturb = async (endpoint: Endpoint, downMs: number): Promise<void> => {
      disturbedUntilMs = Number.POSITIVE_INFINITY;
      if (downMs > 0) {
        await endpoint.close();
        await sleep(downMs);
        await endpoint.listen();
      } else endpoint.resetAll();
      disturbedUntilMs = Date.now() + afterDisturbanceMs;
    };

    const tally: Tally = { answered: 0, failed: new Map(), wrong: [] };
    const stop = new AbortController();
    const options = {
      target: { host: ip, port: 8443, servername: "shop.example", rejectUnauthorized: false },
      arrivals,
      tally,
      wasDisturbedSince: (ms: number) => disturbedUntilMs > ms,
      signal: stop.signal,
    };
    const busy = Object.entries(clientsOfKind).flatMap(([kind, count]) =>
      Array.from({ length: count }, (_, at) =>
        new NonceClient(`${kind}${at}`, options)[kind as keyof typeof clientsOfKind](),
      ),
    );

    const memory: number[] = [];
    let active: "one" | "two" = "one";
    const reload = async (version: number): Promise<void> => {
      const { outcome } = await director.reload(documentWith(active, version));
      assert.equal(outcome, "applied");
    };
    try {
      for (let round = 1; tally.answered < requests; round += 1) {
        // Each disturbance is followed by a time without one, in which nothing may fail.
        if (round % 4 === 0) {
          await disturb(active === "one" ? one : two, round % 8 === 0 ? 50 : 0);
          await sleep(afterDisturbanceMs);
        } else {
          if (round % 4 === 1) active = active === "one" ? "two" : "one";
          if (round % 4 === 2) await writeFiles(director.dir, await certificate());
          await reload(round);
        }
        if (tally.answered > (memory.length * requests) / samples) memory.push(mibOf(worker));
        assert.deepEqual(tally.wrong, []);
        await sleep(pauseMs);
      }
    } finally {
      stop.abort();
      await Promise.all(busy);
    }

    t.diagnostic(`answered ${tally.answered}, failed ${JSON.stringify([...tally.failed])}`);
    t.diagnostic(`worker, MiB: ${memory.map(Math.round).join(" ")}`);
    assert.deepEqual(tally.wrong, []);
    assert.equal(arrivals.count, 0);
    assert.deepEqual(await director.workerPids(), [worker]);
    const third = memory.length / 3;
    const warm = Math.min(...memory.slice(third, 2 * third));
    const last = Math.min(...memory.slice(2 * third));
    assert.ok(last < warm + mostGrowthMib, `from ${warm} to ${last} MiB`);
  });
});
