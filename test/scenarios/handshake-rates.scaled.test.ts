import assert from "node:assert/strict";
import { before, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { failedHandshakeWhere } from "#harness/failed-handshakes.ts";
import { createTestCa, type TestCa } from "#harness/test-ca.ts";
import { tlsConnect } from "#harness/tls-client.ts";

const vnicRate = 20;
const addressRate = 5;

forEachEngineIfLong("node", (engine) => {
  /** Each test has vNICs of its own, whose rates nobody else has used. */
  const names = [
    "paced",
    "fair",
    "changed-paced",
    "changed-fair",
    "freed-paced",
    "freed-fair",
  ] as const;
  type Vnic = (typeof names)[number];
  const ips = Object.fromEntries(names.map((name) => [name, uniqueVirtualIp()])) as Record<
    Vnic,
    string
  >;
  const vnicQos = { handshakesPerSecond: vnicRate };
  const addressQos = { ...vnicQos, handshakesPerSecondPerAddress: addressRate };
  const qosAtStart: Readonly<Record<Vnic, object>> = {
    paced: vnicQos,
    fair: addressQos,
    "changed-paced": vnicQos,
    "changed-fair": addressQos,
    "freed-paced": vnicQos,
    "freed-fair": addressQos,
  };
  const refused: Record<"vnic-handshake-rate" | "address-handshake-rate", number> = {
    "vnic-handshake-rate": 0,
    "address-handshake-rate": 0,
  };
  let ca: TestCa;
  let director: Director;
  let documentWith: (changes: Partial<Record<Vnic, object>>) => object;

  before(async () => {
    ca = await createTestCa();
    const issued = await ca.issue({ names: ["shop.example"] });
    const endpoint = await startEchoEndpoint();
    const listeners = [{ port: 8443, to: endpoint.port, certificates: ["shop"] }];
    documentWith = (changes) => ({
      servers: { web: { address: endpoint.host } },
      profiles: {
        shop: {
          servers: ["web"],
          vnics: Object.fromEntries(
            Object.entries({ ...qosAtStart, ...changes }).map(([name, qos]) => [
              name,
              { ip: ips[name as Vnic], qos, listeners },
            ]),
          ),
        },
      },
      certificates: { shop: { chain: "shop.pem", key: "shop.key" } },
    });
    director = await startDirector({
      document: documentWith({}),
      engine,
      workers: 1,
      files: { "shop.pem": issued.chainPem, "shop.key": issued.keyPem },
    });
  });

  /** Whether a client is served; one that is not is reset before its handshake. */
  async function isServed(
    vnic: Vnic,
    localAddress: string,
    limit: keyof typeof refused,
  ): Promise<boolean> {
    try {
      await using client = await tlsConnect({
        host: ips[vnic],
        port: 8443,
        localAddress,
        ca: ca.certificatePem,
        servername: "shop.example",
        ecdhCurve: "X25519",
      });
      await client.send("hello");
      assert.equal((await client.read.bytes(5)).toString(), "hello");
      return true;
    } catch (error) {
      assert.equal((error as { readonly code?: string }).code, "ECONNRESET");
      refused[limit] += 1;
      return false;
    }
  }

  /** How many of so many clients at once are served. */
  async function servedOf(count: number, ...of: Parameters<typeof isServed>): Promise<number> {
    const served = await Promise.all(Array.from({ length: count }, () => isServed(...of)));
    return served.filter(Boolean).length;
  }

  /** A second of the rate at once, and from then on the rate. */
  function mostAt(perSecond: number, sinceMs: number): number {
    return perSecond * (1 + (performance.now() - sinceMs) / 1000);
  }

  it("a vNIC takes a second's worth of its rate at once, then no more than the rate", async () => {
    const sinceMs = performance.now();
    const served = await servedOf(80, "paced", uniqueVirtualIp(), "vnic-handshake-rate");
    assert.ok(served >= vnicRate, `${served} were served`);
    assert.ok(served <= mostAt(vnicRate, sinceMs), `${served} were served`);
  });

  it("an address takes no more than its own rate, and leaves the vNIC's to others", async () => {
    const sinceMs = performance.now();
    const greedy = uniqueVirtualIp();
    const served = await servedOf(80, "fair", greedy, "address-handshake-rate");
    assert.ok(served >= addressRate, `${served} were served`);
    assert.ok(served <= mostAt(addressRate, sinceMs), `${served} were served`);
    const others = Array.from({ length: vnicRate - 2 * addressRate }, () =>
      isServed("fair", uniqueVirtualIp(), "vnic-handshake-rate"),
    );
    assert.deepEqual(new Set(await Promise.all(others)), new Set([true]));
    const record = await failedHandshakeWhere(
      director,
      ({ clientAddress }) => clientAddress === greedy,
    );
    assert.partialDeepStrictEqual(record, {
      failure: "over-limit",
      limit: "address-handshake-rate",
    });
  });

  it("a change of the rates by SIGHUP gives nobody a fresh start", async () => {
    const sinceMs = performance.now();
    const greedy = uniqueVirtualIp();
    const served = { paced: 0, fair: 0 };
    for (const more of [1, 0, 1, 0]) {
      const [pacedNow, fairNow] = await Promise.all([
        servedOf(30, "changed-paced", uniqueVirtualIp(), "vnic-handshake-rate"),
        servedOf(30, "changed-fair", greedy, "address-handshake-rate"),
      ]);
      served.paced += pacedNow;
      served.fair += fairNow;
      const reload = await director.reload(
        documentWith({
          "changed-paced": { handshakesPerSecond: vnicRate + more },
          "changed-fair": { handshakesPerSecondPerAddress: addressRate + more },
        }),
      );
      assert.equal(reload.outcome, "applied");
    }
    assert.ok(served.paced <= mostAt(vnicRate + 1, sinceMs), `${served.paced} were served`);
    assert.ok(served.fair <= mostAt(addressRate + 1, sinceMs), `${served.fair} were served`);
  });

  it("a rate that is taken away limits nobody any more", async () => {
    const withoutRates = documentWith({ "freed-paced": {}, "freed-fair": {} });
    assert.equal((await director.reload(withoutRates)).outcome, "applied");
    assert.equal(await servedOf(60, "freed-paced", uniqueVirtualIp(), "vnic-handshake-rate"), 60);
    assert.equal(await servedOf(60, "freed-fair", uniqueVirtualIp(), "address-handshake-rate"), 60);
  });

  // This holds whatever tests have run before it: each of them notes its refusals.
  it("every connection over a rate is counted, once and by its limit", async () => {
    await eventually(async () => {
      const metrics = await director.metrics();
      for (const [limit, count] of Object.entries(refused)) {
        assert.equal(metrics.sum("tlsd_connections_limited_total", { limit }), count, limit);
      }
      return true;
    }, 10_000);
  });
});
