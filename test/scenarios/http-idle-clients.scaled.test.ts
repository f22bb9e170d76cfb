import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createSecureContext } from "node:tls";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import { IdleClient, type IdleClientOptions } from "#harness/idle-client.ts";
import { memoryOf, openFileCount } from "#harness/process-facts.ts";
import { scaled } from "#harness/run-length.ts";
import { startShop } from "#harness/shop.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";

/** With 20,000 open files, a worker has 9,900 connections. */
const clientsOf = {
  "http/1.1": scaled({ short: 980, long: 9_800 }),
  h2: scaled({ short: 500, long: 5_000 }),
} as const;
const connectsAtOnce = 32;
/** Measured with thousands: 8 and 16 KB on Bun, 39 and 47 KB on Node. */
const mostBytesOf = { bun: 24_000, node: 64_000 } as const;
const runtimeBytes = 40_000_000;
/** How much the memory of a worker varies without reason. Of a few clients, it varies by more than they need. */
const noiseBytes = scaled({ short: 40_000_000, long: 10_000_000 });
const keepAliveMs = scaled({ short: 2_000, long: 15_000 });
/** The clients share a busy process, so each may see its answer or its end late. */
const earlyMs = 1_000;
const lateMs = 4_000;
const drainMs = scaled({ short: 4_000, long: 10_000 });
const changeMs = 20_000;

forEachEngine((engine) => {
  describe("a worker with many idle clients", { concurrency: false }, () => {
    for (const protocol of ["http/1.1", "h2"] as const) {
      const count = clientsOf[protocol];

      it(`keeps ${count} of ${protocol} through rotations and moves, and ends them at their deadlines and at a stop`, async (t) => {
        const hosts = [uniqueVirtualIp(), uniqueVirtualIp()] as const;
        const one = await startHttpEndpoint("one", { host: hosts[0] });
        await startHttpEndpoint("two", { host: hosts[1], port: one.port });
        const shop = await startShop({
          engine,
          servers: { one: hosts[0], two: hosts[1] },
          profile: { servers: ["one"] },
          listeners: {
            web: { mode: "http", to: one.port, accessLog: "off", timeouts: { keepAlive: "10m" } },
            brief: {
              ...{ mode: "http", to: one.port, accessLog: "off" },
              timeouts: { keepAlive: `${keepAliveMs}ms` },
            },
          },
          more: { director: { drain: `${drainMs}ms` } },
        });
        const { director, ip } = shop;
        const worker = await shop.workerPid();
        const secureContext = createSecureContext();
        const optionsOf = (listener: "web" | "brief"): IdleClientOptions => ({
          ...{ host: ip, port: shop.portOf(listener), protocol, secureContext },
        });
        const connectAll = async (listener: "web" | "brief"): Promise<readonly IdleClient[]> => {
          const clients: IdleClient[] = [];
          closeAtTestEnd(() => {
            for (const client of clients) client.drop();
          });
          let begun = 0;
          const connectSome = async (): Promise<void> => {
            while (begun < count) {
              begun += 1;
              const client = await IdleClient.connect(optionsOf(listener));
              clients.push(client);
              assert.equal(await client.ask(), "one");
            }
          };
          await Promise.all(Array.from({ length: connectsAtOnce }, connectSome));
          return clients;
        };
        const askAll = async (clients: readonly IdleClient[]): Promise<readonly string[]> => {
          const left = [...clients];
          const bodies = new Set<string>();
          const askSome = async (): Promise<void> => {
            for (let client = left.pop(); client !== undefined; client = left.pop()) {
              bodies.add(await client.ask());
            }
          };
          await Promise.all(Array.from({ length: connectsAtOnce }, askSome));
          return [...bodies];
        };
        const assertOpen = (clients: readonly IdleClient[]): void => {
          const lost = clients.filter((client) => client.endedAtMs !== undefined);
          assert.equal(lost.length, 0, `${lost.length} have ended: ${lost[0]?.failure}`);
          assert.equal(clients.filter(({ wasDrained }) => wasDrained).length, 0);
        };
        const bytesOf = (): number => memoryOf(worker).anonymousBytes;
        const baseFiles = openFileCount(worker);
        const baseBytes = bytesOf();

        // The deadline of each counts from its own last answer.
        const brief = await connectAll("brief");
        const firstBytes = bytesOf();
        await eventually(() => brief.every(({ endedAtMs }) => endedAtMs !== undefined), 60_000);
        assert.deepEqual([...new Set(brief.map(({ failure }) => failure))], [undefined]);
        const idleMs = brief.map(({ endedAtMs = 0, answeredAtMs = 0 }) => endedAtMs - answeredAtMs);
        assert.ok(Math.min(...idleMs) >= keepAliveMs - earlyMs, `${Math.min(...idleMs)} ms`);
        assert.ok(Math.max(...idleMs) <= keepAliveMs + lateMs, `${Math.max(...idleMs)} ms`);
        for (const client of brief) client.drop();
        await shop.untilNoneOpen();
        await shop.untilOpenFiles(baseFiles + 20);

        const secondBaseBytes = bytesOf();
        const clients = await connectAll("web");
        const secondBytes = bytesOf();
        const each = Math.round((firstBytes - baseBytes) / count);
        const eachAgain = Math.round((secondBytes - secondBaseBytes) / count);
        const mib = [baseBytes, firstBytes, secondBaseBytes, secondBytes]
          .map((bytes) => Math.round(bytes / 1_048_576))
          .join(" ");
        t.diagnostic(
          `${engine}, ${protocol}: ${each} bytes each, then ${eachAgain}; worker, MiB: ${mib}`,
        );
        // The first connections of a worker also grow its runtime.
        const grownBytes = firstBytes - baseBytes;
        assert.ok(grownBytes < count * mostBytesOf[engine] + runtimeBytes, `${each} bytes each`);
        // The first round has grown the runtime. The second one must not grow it as much again.
        const mostGrowth = grownBytes / 3 + noiseBytes;
        assert.ok(secondBytes - firstBytes < mostGrowth, `MiB: ${mib}`);

        let beganMs = Date.now();
        const renewed = await shop.ca.issue({ names: ["shop.example"] });
        await renewed.writeTo(director.dir, "shop");
        const isShown = async (): Promise<boolean> => {
          await using client = await shop.connect("web");
          return client.facts.peerCertificate.serialNumber.toLowerCase() === renewed.serial;
        };
        await eventually(isShown, changeMs, "the new certificate");
        const rotatedMs = Date.now() - beganMs;
        assertOpen(clients);

        beganMs = Date.now();
        await shop.setProfile({ servers: ["two"] });
        const movedMs = Date.now() - beganMs;
        assertOpen(clients);
        beganMs = Date.now();
        assert.deepEqual(await askAll(clients), ["two"]);
        t.diagnostic(
          `rotated after ${rotatedMs} ms, moved in ${movedMs} ms, all asked in ${Date.now() - beganMs} ms`,
        );
        assertOpen(clients);

        beganMs = Date.now();
        const stopped = director.stop();
        if (protocol === "http/1.1") {
          await delay(500);
          // Half of them use the time until the deadline, and the others are cut by it.
          const asking = clients.slice(0, count / 2);
          assert.deepEqual(await askAll(asking), ["two"]);
          assert.ok(asking.every(({ wasDrained }) => wasDrained));
        }
        assert.equal((await stopped).code, 0);
        const stopMs = Date.now() - beganMs;
        t.diagnostic(`stopped in ${stopMs} ms`);
        await eventually(() => clients.every(({ endedAtMs }) => endedAtMs !== undefined), 10_000);
        const failures = clients.filter(({ failure }) => failure !== undefined);
        assert.equal(failures.length, 0, `${failures.length}: ${failures[0]?.failure}`);
        if (protocol === "h2") assert.ok(stopMs < drainMs, `${stopMs} ms`);
        if (protocol === "h2") assert.ok(clients.every(({ wasDrained }) => wasDrained));
      });
    }
  });
});
