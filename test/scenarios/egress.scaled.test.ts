import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { hasIpv6Loopback, uniqueVirtualIp } from "#harness/addresses.ts";
import { startEgress, type Egress, type RemoteView } from "#harness/egress.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { eventually } from "#harness/deadline.ts";
import { failedHandshakeWhere } from "#harness/failed-handshakes.ts";
import { patternBytes, patternDigest } from "#harness/pattern.ts";
import { rawConnect, rejectedConnect } from "#harness/socket-client.ts";
import { createTestCa } from "#harness/test-ca.ts";
import { tlsRecordTypes } from "#harness/wire-tap.ts";

const manyBytes = 3_000_000;
const secret = "account 4711";
/** Content type of RFC 8446 section 5.1. */
const applicationData = 23;

type Name =
  | "payments"
  | "partners"
  | "old"
  | "closed"
  | "uncounted"
  | "localhost"
  | "ipv4"
  | "ipv6";

forEachEngineIfLong("bun", (engine) => {
  const guest = uniqueVirtualIp();
  let egress: Egress<Name>;

  before(async () => {
    const ca = await createTestCa();
    const partner = await ca.issue({ names: [], commonName: "shop", usage: "client" });
    const ipv4 = uniqueVirtualIp();
    const six = hasIpv6Loopback ? "::1" : ipv4;
    const tlsFor = async (name: string): Promise<{ cert: string; key: string }> => {
      const issued = await ca.issue({ names: [name] });
      return { cert: issued.chainPem, key: issued.keyPem };
    };
    const endpointTls = { ca: "ca.pem" };
    const payments = { ca: "ca.pem", serverName: "payments.example" };
    egress = await startEgress({
      engine,
      remotes: {
        payments: {
          tls: await tlsFor("payments.example"),
          endpointTls: payments,
          listener: { allowFrom: [`${guest}/32`] },
        },
        partners: {
          tls: { ...(await tlsFor("payments.example")), requestCert: true, ca: ca.certificatePem },
          endpointTls: { ...payments, certificate: "partner" },
        },
        old: {
          tls: { ...(await tlsFor("payments.example")), maxVersion: "TLSv1.2" },
          endpointTls: payments,
        },
        closed: { tls: await tlsFor("payments.example"), endpointTls: payments },
        uncounted: { tls: await tlsFor("payments.example"), endpointTls: payments },
        localhost: {
          tls: await tlsFor("localhost"),
          host: "127.0.0.1",
          name: "localhost",
          endpointTls,
        },
        ipv4: { tls: await tlsFor(ipv4), host: ipv4, endpointTls },
        ipv6: { tls: await tlsFor(six), host: six, endpointTls },
      },
      files: {
        "ca.pem": ca.certificatePem,
        "partner.pem": partner.chainPem,
        "partner.key": partner.keyPem,
      },
      more: { certificates: { partner: { chain: "partner.pem", key: "partner.key" } } },
    });
  });

  /** One exchange with the remote, and what the remote saw of TLS. */
  async function exchange(name: Name, localAddress?: string): Promise<RemoteView> {
    const server = await rawConnect(egress.to(name, localAddress));
    await server.send(secret);
    server.end();
    const view = JSON.parse(await server.read.until("\n")) as RemoteView;
    assert.equal((await server.read.toEnd()).toString(), secret);
    return view;
  }

  describe("the remote", { concurrency: true }, () => {
    it("gets what the server says, whole and in both directions, and only as TLS", async () => {
      const { tap } = egress.remote("payments");
      const server = await rawConnect(egress.to("payments"));
      const { clientPort } = server;
      const sending = server.send(patternBytes(manyBytes));
      server.end();
      const { length } = await server.read.until("\n");
      assert.deepEqual(await server.read.digestToEnd(), patternDigest(manyBytes));
      await sending;
      const { host, port } = tap.endpoint;
      assert.partialDeepStrictEqual(await egress.recordOf("payments", clientPort), {
        outcome: "completed",
        bytesFromClient: manyBytes,
        bytesToClient: length + manyBytes,
        endpoint: `${host} ${host}:${port}`,
      });
      for (const sent of tap.sent()) assert.ok(tlsRecordTypes(sent).includes(applicationData));
    });

    it("is asked for the name that is verified, and shown no certificate unasked", async () => {
      assert.deepEqual(await exchange("payments"), {
        servername: "payments.example",
        protocol: "TLSv1.3",
        isClientVerified: false,
      } satisfies RemoteView);
    });

    it("is shown the certificate that the listener names", async () => {
      const { isClientVerified, clientName } = await exchange("partners");
      assert.deepEqual([isClientVerified, clientName], [true, "shop"]);
    });

    it("is held to the listener's policy", async () => {
      assert.equal((await exchange("old")).protocol, "TLSv1.2");
    });

    it("may be called by its host name", async () => {
      assert.equal((await exchange("localhost")).servername, "localhost");
    });

    for (const name of ["ipv4", "ipv6"] as const) {
      it(
        `may be called by its address (${name})`,
        { skip: name === "ipv6" && !hasIpv6Loopback },
        async () => {
          assert.equal((await exchange(name)).servername, false);
        },
      );
    }
  });

  describe("who may connect", { concurrency: true }, () => {
    const allowed = {
      "a server of the profile": () => egress.servers.web,
      "a standby server of the profile": () => egress.servers.standby,
      "a peer in the listener's CIDRs": () => guest,
    };
    for (const [who, addressOf] of Object.entries(allowed)) {
      it(who, async () => void (await exchange("payments", addressOf())));
    }

    const others = {
      "a server of another profile": () => egress.servers.other,
      "a peer in the CIDRs of another listener only": () => guest,
      "the virtual IP itself": () => egress.ip,
      "any other peer": () => uniqueVirtualIp(),
    };
    for (const [who, addressOf] of Object.entries(others)) {
      it(`not ${who}: the director resets it and opens no connection to a remote`, async () => {
        const { tap } = egress.remote("closed");
        const clientAddress = addressOf();
        const end = await rejectedConnect(egress.to("closed", clientAddress));
        assert.deepEqual(end, { outcome: "ECONNRESET", received: 0 });
        const record = await failedHandshakeWhere(
          egress.director,
          (candidate) => candidate.clientAddress === clientAddress,
        );
        assert.equal(record.failure, "not-allowed");
        assert.equal(tap.endpoint.accepted, 0);
      });
    }

    it("a peer that is not allowed counts as refused, and not as a failed handshake", async () => {
      const labels = { listener: `out.shop:${egress.remote("uncounted").port}` };
      await rejectedConnect(egress.to("uncounted", uniqueVirtualIp()));
      await eventually(async () => {
        const metrics = await egress.director.metrics();
        const refused = { ...labels, cause: "not-allowed" };
        return metrics.sum("tlsd_connections_refused_total", refused) === 1;
      }, 10_000);
      assert.equal((await egress.director.metrics()).sum("tlsd_handshakes_failed_total"), 0);
    });
  });
});
