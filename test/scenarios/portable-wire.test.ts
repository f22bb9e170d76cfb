import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { startAcceptingEndpoint, type AcceptingEndpoint } from "#harness/accepting-endpoint.ts";
import { eventually } from "#harness/deadline.ts";
import { enginesUnderTest } from "#harness/engines.ts";
import { failedHandshakes } from "#harness/failed-handshakes.ts";
import { sendPattern } from "#harness/flow.ts";
import { leaveBeforeAccept } from "#harness/gone-peers.ts";
import { patternBytes, patternDigest } from "#harness/pattern.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { openFileCount } from "#harness/process-facts.ts";
import { announcedClient, proxyV2Header } from "#harness/proxy-header.ts";
import { rawConnect, type SocketClient } from "#harness/socket-client.ts";
import { createTestCa, type IssuedCertificate } from "#harness/test-ca.ts";

const bothWaysBytes = 8 * 1024 * 1024;

/** What Bun falls back on. All other scenarios have it on engine node, and Bun on sockets of its own. */
describe(
  "engine bun on the sockets that it has in common with Node",
  {
    skip: enginesUnderTest().includes("bun") ? false : "engine bun is not under test",
  },
  () => {
    let endpoint: AcceptingEndpoint;
    let shop: Shop<"driven" | "checked" | "listed" | "anchored">;
    let chained: IssuedCertificate;

    before(async () => {
      endpoint = await startAcceptingEndpoint();
      const root = await createTestCa("clients");
      const intermediate = await root.issueIntermediate("intermediate");
      chained = await intermediate.issue({ names: ["partner.example"], usage: "client" });
      const partialChain = true;
      const policies = {
        listed: { clientAuth: { mode: "request", ca: "root.pem", crl: "root.crl" } },
        anchored: { clientAuth: { mode: "require", ca: "intermediate.pem", partialChain } },
      };
      shop = await startShop({
        engine: "bun",
        listeners: {
          driven: { to: endpoint.endpoint.port, proxyProtocol: "v1" },
          listed: { to: endpoint.endpoint.port, policy: "listed" },
          anchored: { to: endpoint.endpoint.port, policy: "anchored" },
          checked: { to: endpoint.endpoint.port, acceptProxyProtocol: ["127.0.0.0/8"] },
        },
        more: { director: { wire: "portable" }, policies },
        files: {
          "root.pem": root.certificatePem,
          "root.crl": await root.revocationList([]),
          "intermediate.pem": intermediate.certificatePem,
        },
      });
    });

    it("says so in show workers", async () => {
      const { stdout } = await shop.director.cli("show", "workers");
      assert.match(stdout, /bun \d.*BoringSSL, portable sockets/);
    });

    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      it(`carries both ways and both ends, ${version}`, async () => {
        const openFiles = openFileCount(await shop.workerPid());
        const [client, server] = await endpoint.meet(() =>
          shop.connect("driven", { maxVersion: version }),
        );
        assert.match(await server.read.until("\r\n"), /^PROXY TCP4 127\.0\.0\.1 /);
        const flows = [client, server].map(({ socket }) => sendPattern(socket, bothWaysBytes));
        const endBoth = async (): Promise<void> => {
          await Promise.all(flows.map(({ sent }) => sent));
          client.end();
          server.end();
        };
        const ended = endBoth();
        const digests = await Promise.all([client.read.digestToEnd(), server.read.digestToEnd()]);
        await ended;
        assert.deepEqual(digests, [patternDigest(bothWaysBytes), patternDigest(bothWaysBytes)]);
        const { outcome, tlsVersion } = await shop.recordOf(client);
        assert.deepEqual({ outcome, tlsVersion }, { outcome: "completed", tlsVersion: version });
        await shop.untilOpenFiles(openFiles);
      });
    }

    it("ends the connection of the side that remains when the other resets", async () => {
      const [left, deserted] = await endpoint.meet(() => shop.connect("driven"));
      await deserted.send(patternBytes(1000));
      await left.read.bytes(1000);
      deserted.reset();
      // The end of an answer that broke off: a close without close_notify (decision 24).
      assert.equal(await left.read.outcome(), "end");
      assert.equal((await shop.recordOf(left)).outcome, "endpoint-reset");

      const [gone, server] = await endpoint.meet(() => shop.connect("driven"));
      await server.read.until("\r\n");
      gone.reset();
      assert.equal(await server.read.outcome(), "ECONNRESET");
      assert.equal((await shop.recordOf(gone)).outcome, "client-reset");
    });

    it("verifies the chains of clients as the other sockets do", async () => {
      const certificate = { cert: chained.chainPem, key: chained.keyPem };
      const [client, server] = await endpoint.meet(() => shop.connect("anchored", certificate));
      client.end();
      server.end();
      assert.equal((await shop.recordOf(client)).clientCertificate, "partner.example");
      const refused = await shop.connect("listed", certificate);
      await refused.read.outcome();
      const [failure] = await eventually(async () => {
        const found = await failedHandshakes(shop.director);
        return found.length > 0 && found;
      });
      assert.equal(failure?.failure, "no-crl-for-client-certificate");
    });

    it("takes no peer that is gone before it is accepted for a client", async () => {
      const peerOf = (): Promise<SocketClient> =>
        rawConnect({ host: shop.ip, port: shop.portOf("checked") });
      await leaveBeforeAccept(shop, peerOf, [
        () => proxyV2Header(),
        () => proxyV2Header(announcedClient()),
        () => Buffer.from("SSH-2.0-OpenSSH_9\r\n"),
      ]);
      await shop.untilMetric("tlsd_proxy_probes_total", 1, {}, "checked");
      // The counts may come before the records.
      const failures = await eventually(async () => {
        const found = (await failedHandshakes(shop.director)).filter(
          ({ listener }) => listener === `front.shop:${shop.portOf("checked")}`,
        );
        return found.length >= 2 && found;
      });
      assert.deepEqual(
        failures.map(({ failure, clientAddress }) => [failure, clientAddress]),
        [
          ["reset", ""],
          ["reset", ""],
        ],
      );
    });
  },
);
