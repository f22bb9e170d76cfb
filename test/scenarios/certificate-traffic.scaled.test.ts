import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { CertificateDetail, CertificateTraffic } from "#model/records/certificate-detail.ts";
import { opensslClient } from "#harness/clients.ts";
import { eventually } from "#harness/deadline.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong, type Engine } from "#harness/engines.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { tlsConnect, type TlsConnectOptions } from "#harness/tls-client.ts";

/** Each scenario has a certificate of its own, because they run beside each other. */
const names = ["served", "resumed", "distrusted", "silent", "late", "idle"] as const;
type Name = (typeof names)[number];

/** Bun cannot read an alert that OpenSSL sends in plaintext, as it does with TLS 1.3. */
const failuresOf: Readonly<Record<Engine, Readonly<Record<string, number>>>> = {
  node: { unknown_ca: 2 },
  bun: { unknown_ca: 1, "unreadable-alert": 1 },
};

const sumOf = (failures: Readonly<Record<string, number>>): number =>
  Object.values(failures).reduce((sum, count) => sum + count, 0);

forEachEngineIfLong("node", (engine) => {
  let shop: Shop<Name>;

  before(async () => {
    const echo = await startEchoEndpoint();
    const pair = { chain: "shop.pem", key: "shop.key" };
    const listeners = Object.fromEntries(
      names.map((name) => [name, { to: echo.port, certificates: [name] }]),
    ) as Record<Name, object>;
    const certificates = Object.fromEntries(names.map((name) => [name, pair]));
    shop = await startShop({ engine, listeners, more: { certificates } });
  });

  const detailOf = async (name: Name): Promise<CertificateDetail> =>
    (await shop.director.api(`/v1/certificates/${name}/status`)).body as CertificateDetail;

  /** Workers count once a second. */
  async function untilTraffic(
    name: Name,
    isThere: (traffic: CertificateTraffic) => boolean,
  ): Promise<CertificateTraffic> {
    let seen: CertificateTraffic | undefined;
    const say = (): string => `the traffic of certificate ${name}, now ${JSON.stringify(seen)}`;
    const look = async (): Promise<CertificateTraffic | false> => {
      seen = (await detailOf(name)).traffic;
      return seen !== undefined && isThere(seen) && seen;
    };
    return eventually(look, 10_000, say);
  }

  const exchange = async (name: Name, options: TlsConnectOptions = {}): Promise<void> => {
    await using client = await shop.connect(name, options);
    await client.send("x");
    await client.read.bytes(1);
  };

  const metric = async (metricName: string, labels: Readonly<Record<string, string>>) =>
    (await shop.director.metrics()).sum(metricName, labels);

  describe("the handshakes with a certificate", { concurrency: true }, () => {
    it("are counted, with the time of the last", async () => {
      const startedMs = Date.now();
      await exchange("served");
      const traffic = await untilTraffic("served", ({ newHandshakes }) => newHandshakes === 1);
      assert.deepEqual([traffic.resumedHandshakes, traffic.failures], [0, {}]);
      const labels = { certificate: "served" };
      assert.equal(await metric("tlsd_certificate_handshakes_total", labels), 1);
      const lastUse = await metric("tlsd_certificate_last_use_seconds", labels);
      assert.ok(lastUse >= Math.floor(startedMs / 1_000) && lastUse <= Date.now() / 1_000);
      const { stdout } = await shop.director.cli("show", "certificate", "served");
      assert.match(stdout, /^handshakes {4}1 new, 0 resumed\nfailures {6}none\nlast use {6}20/m);
    });

    it("are counted apart if they resume a session, which shows no certificate", async () => {
      const options: TlsConnectOptions = { maxVersion: "TLSv1.2" };
      await using first = await shop.connect("resumed", options);
      await first.send("x");
      const session = await first.session();
      await using second = await shop.connect("resumed", { ...options, session });
      assert.equal(second.facts.isResumed, true);
      second.socket.end();
      const traffic = await untilTraffic(
        "resumed",
        ({ newHandshakes, resumedHandshakes }) => newHandshakes + resumedHandshakes === 2,
      );
      assert.deepEqual([traffic.newHandshakes, traffic.failures], [1, {}]);
    });

    it("fail with the alert of a client that does not trust it", async () => {
      const target = ["-connect", `${shop.ip}:${shop.portOf("distrusted")}`];
      const strict = ["-servername", "shop.example", "-verify_return_error"];
      for (const version of ["-tls1_2", "-tls1_3"]) {
        // oxlint-disable-next-line no-await-in-loop
        const run = await opensslClient([...target, ...strict, version]);
        assert.match(run.output, /unable to get local issuer certificate/);
      }
      const traffic = await untilTraffic("distrusted", ({ failures }) => sumOf(failures) === 2);
      assert.deepEqual([traffic.failures, traffic.newHandshakes], [failuresOf[engine], 0]);
    });

    it("fail if the client closes without an alert, as Node does for a wrong name", async () => {
      const wrong = { ...shop.clientOf("silent"), checkServerIdentity: () => new Error("wrong") };
      // With TLS 1.3, Node closes before it has sent the end of its handshake.
      for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
        // oxlint-disable-next-line no-await-in-loop
        await assert.rejects(tlsConnect({ ...wrong, maxVersion }), /wrong/);
      }
      const client = await shop.connect("silent", { maxVersion: "TLSv1.3" });
      client.socket.end();
      const traffic = await untilTraffic("silent", ({ failures }) => sumOf(failures) === 3);
      const expected = { "closed-in-handshake": 1, "closed-at-once": 2 };
      assert.deepEqual([traffic.failures, traffic.newHandshakes], [expected, 2]);
      const labels = { certificate: "silent", cause: "closed-at-once" };
      assert.equal(await metric("tlsd_certificate_failures_total", labels), 2);
    });

    it("do not fail if the client closes after data", async () => {
      for (let at = 0; at < 3; at += 1) {
        // oxlint-disable-next-line no-await-in-loop
        await exchange("late");
      }
      const traffic = await untilTraffic("late", ({ newHandshakes }) => newHandshakes === 3);
      assert.deepEqual(traffic.failures, {});
    });

    it("are absent for a certificate without any, which still has its end", async () => {
      assert.equal((await detailOf("idle")).traffic, undefined);
      const labels = { certificate: "idle" };
      assert.ok((await metric("tlsd_certificate_not_after_seconds", labels)) > 0);
      assert.equal(await metric("tlsd_certificate_last_use_seconds", labels), 0);
    });
  });
});
