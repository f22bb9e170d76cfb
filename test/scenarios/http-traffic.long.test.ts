import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { startDirector } from "#harness/director.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { forEachEngine } from "#harness/engines.ts";
import { NonceClient } from "#harness/nonce-clients.ts";
import { Arrivals, startNonceEndpoint } from "#harness/nonce-endpoint.ts";
import { NonceHttp2Client } from "#harness/nonce-http2-clients.ts";
import type { NonceClientOptions, Tally } from "#harness/nonce-judge.ts";
import { requirePackage } from "#harness/packages.ts";
import { memoryOf } from "#harness/process-facts.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { writeFiles } from "#harness/temp-folder.ts";
import { createTestCa } from "#harness/test-ca.ts";

/** TLSD_TEST_REQUESTS=1000000 runs the full form, which takes eight minutes an engine on two cores. */
const requests = Number(process.env["TLSD_TEST_REQUESTS"] ?? 30_000);
const clientsOfKind = { keepAlive: 4, pipelining: 3, oneByOne: 2, webSocket: 2 } as const;
const http2ClientsOfKind = { sessions: 4, curl: 1, nghttp: 1, h2load: 1 } as const;
/** The clients with a client certificate. They use a name of which the revocation list changes. */
const partnersClients = 2;
/** The rounds repeat after so many. The revocation list changes in one of them, and an endpoint is down in the last one. */
const roundsInCycle = 8;
/** How long the connections of clients to an endpoint that was down may still fail. */
const afterDisturbanceMs = 1_000;
const pauseMs = 150;
const samples = 60;
/** The engine collects garbage in steps, so only the lowest values tell what stays. */
const mostGrowthMib = 16;

const mibOf = (pid: number): number => memoryOf(pid).anonymousBytes / 1_048_576;

forEachEngine((engine) => {
  it(`answers ${requests} requests of mixed clients over HTTP/1.1 and HTTP/2 through moves, rotations, revocation lists, reloads and dying endpoints`, async (t) => {
    if (!(await requirePackage(t, "curl"))) return;
    if (!(await requirePackage(t, "nghttp2-client", "h2load"))) return;
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
        listener: {
          mode: "http",
          responseFields: { set: { "X-Version": `${version}` } },
          names: { "safe.example": { policy: "partners" } },
        },
        profile: { servers: [active] },
        more: {
          policies: {
            partners: { clientAuth: { mode: "require", ca: "partners.pem", crl: "partners.crl" } },
          },
        },
      });
    const certificate = async () => {
      const { chainPem, keyPem } = await ca.issue({ names: ["shop.example"] });
      return { "shop.pem": chainPem, "shop.key": keyPem };
    };
    const partners = await createTestCa("partners");
    const partner = await partners.issue({ names: ["partner.example"], usage: "client" });
    const revocationList = async () => {
      const other = await partners.issue({ names: ["other.example"], usage: "client" });
      return { "partners.crl": await partners.revocationList([other.serial]) };
    };
    const director = await startDirector({
      document: documentWith("one", 0),
      engine,
      workers: 1,
      files: {
        ...(await certificate()),
        ...(await revocationList()),
        "partners.pem": partners.certificatePem,
      },
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
    const options: NonceClientOptions = {
      target: { host: ip, port: 8443, servername: "shop.example", rejectUnauthorized: false },
      arrivals,
      tally,
      wasDisturbedSince: (ms: number) => disturbedUntilMs > ms,
      signal: stop.signal,
    };
    const target = { ...options.target, servername: "safe.example" };
    const asPartner = { ...target, cert: partner.chainPem, key: partner.keyPem };
    const busy = [
      ...Object.entries(clientsOfKind).flatMap(([kind, count]) =>
        Array.from({ length: count }, (_, at) =>
          new NonceClient(`${kind}${at}`, options)[kind as keyof typeof clientsOfKind](),
        ),
      ),
      ...Object.entries(http2ClientsOfKind).flatMap(([kind, count]) =>
        Array.from({ length: count }, (_, at) =>
          new NonceHttp2Client(`${kind}${at}`, options)[kind as keyof typeof http2ClientsOfKind](),
        ),
      ),
      ...Array.from({ length: partnersClients }, (_, at) =>
        new NonceHttp2Client(`partner${at}`, { ...options, target: asPartner }).sessions(),
      ),
    ];

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
          await disturb(active === "one" ? one : two, round % roundsInCycle === 0 ? 50 : 0);
          await sleep(afterDisturbanceMs);
        } else {
          if (round % 4 === 1) active = active === "one" ? "two" : "one";
          if (round % 4 === 2) await writeFiles(director.dir, await certificate());
          if (round % roundsInCycle === 3) await writeFiles(director.dir, await revocationList());
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
