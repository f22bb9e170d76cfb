import assert from "node:assert/strict";
import { createSecureContext, TLSSocket } from "node:tls";
import { before, describe, it } from "node:test";
import type { ConnectionRecord } from "#model/records/connection-record.ts";
import type { ConnectionOutcome } from "#model/records/outcome.ts";
import { recordIn } from "#harness/access-line.ts";
import { startAcceptingEndpoint, type AcceptingEndpoint } from "#harness/accepting-endpoint.ts";
import { freePort, uniqueVirtualIp } from "#harness/addresses.ts";
import { startEndpoint, type Endpoint } from "#harness/endpoint.ts";
import { startSwallowingEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { patternBytes } from "#harness/pattern.ts";
import { connectionLineOf } from "#harness/recorded-handshake.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rawConnect, type SocketClient } from "#harness/socket-client.ts";
import { createTestCa } from "#harness/test-ca.ts";
import type { TlsClient } from "#harness/tls-client.ts";

const requestBytes = 123_456;
/** An alert that is longer than a record may be, RFC 8446 section 5.2. */
const brokenRecord = Buffer.from([21, 3, 3, 0xff, 0xff, 1, 2, 3]);

type Listener = "driven" | "hasty" | "swallowed" | "refused" | "sealed" | "redirect";

/** Speaks TLS by hand, to break it: its answer is no record. */
async function startBreakingEndpoint(): Promise<Endpoint> {
  const ca = await createTestCa();
  const { chainPem, keyPem } = await ca.issue({ names: ["127.0.0.1"] });
  const secureContext = createSecureContext({ cert: chainPem, key: keyPem });
  return startEndpoint((raw) => {
    const tls = new TLSSocket(raw, { isServer: true, secureContext });
    tls.on("error", () => undefined);
    tls.once("data", () => void raw.write(brokenRecord));
  });
}

describe("the access line says how a connection ended", { concurrency: true }, () => {
  forEachEngineIfLong("node", (engine) => {
    let driven: AcceptingEndpoint;
    let shop: Shop<Listener>;

    before(async () => {
      driven = await startAcceptingEndpoint();
      const swallowing = await startSwallowingEndpoint();
      const breaking = await startBreakingEndpoint();
      shop = await startShop({
        engine,
        listeners: {
          driven: { to: driven.endpoint.port },
          hasty: { to: driven.endpoint.port, timeouts: { idle: "3s", halfClosed: "1s" } },
          swallowed: { to: swallowing.port },
          refused: { to: await freePort(), accessLog: "off" },
          sealed: { to: breaking.port, endpointTls: { verify: false } },
          redirect: { mode: "redirect", certificates: [] },
        },
      });
    });

    const recordOf = async (client: TlsClient): Promise<ConnectionRecord> =>
      recordIn(await shop.recordOf(client));

    /** Both sides have sent something when one of them cuts. */
    async function cutShort(
      listener: "driven" | "hasty",
      cut: (client: TlsClient, endpoint: SocketClient) => void,
    ): Promise<ConnectionRecord> {
      const [client, endpoint] = await driven.meet(() => shop.connect(listener));
      await client.send("12345");
      await endpoint.read.bytes(5);
      await endpoint.send("1234567");
      await client.read.bytes(7);
      cut(client, endpoint);
      const record = await recordOf(client);
      assert.deepEqual([record.bytesFromClient, record.bytesToClient], [5, 7]);
      assert.equal(record.endpoint, `web 127.0.0.1:${driven.endpoint.port}`);
      client.drop();
      endpoint.drop();
      return record;
    }

    describe("as", { concurrency: false }, () => {
      const cuts: readonly [ConnectionOutcome, ...Parameters<typeof cutShort>][] = [
        ["client-reset", "driven", (client) => client.reset()],
        ["endpoint-reset", "driven", (_, endpoint) => endpoint.reset()],
        ["idle", "hasty", () => {}],
        ["half-closed-idle", "hasty", (client) => client.end()],
      ];
      for (const [outcome, ...how] of cuts) {
        it(outcome, async () => {
          assert.equal((await cutShort(...how)).outcome, outcome);
        });
      }

      it("completed, with -1 for a first byte that never came", async () => {
        const client = await shop.connect("swallowed");
        await client.send(patternBytes(requestBytes));
        client.end();
        await client.read.toEnd();
        const { outcome, firstByteMs, bytesFromClient, bytesToClient } = await recordOf(client);
        assert.deepEqual([outcome, firstByteMs], ["completed", -1]);
        assert.deepEqual([bytesFromClient, bytesToClient], [requestBytes, 0]);
      });

      for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
        it(`client-tls-error, and the endpoint does not take it for the end (${maxVersion})`, async () => {
          const over = await rawConnect({ host: shop.ip, port: shop.portOf("driven") });
          const [client, endpoint] = await driven.meet(() =>
            shop.connect("driven", { over, maxVersion }),
          );
          over.socket.write(brokenRecord);
          assert.equal((await recordOf(client)).outcome, "client-tls-error");
          assert.equal(await endpoint.read.outcome(), "ECONNRESET");
        });
      }

      it("endpoint-tls-error, and the client does not take it for the end", async () => {
        const client = await shop.connect("sealed");
        await client.send("x");
        assert.equal((await recordOf(client)).outcome, "endpoint-tls-error");
        assert.equal(await client.read.outcome(), "ECONNRESET");
      });

      it("endpoint-failed with the cause, also where access lines are off", async () => {
        const client = await shop.connect("refused");
        const record = await recordOf(client);
        assert.deepEqual([record.outcome, record.endpointFailure], ["endpoint-failed", "refused"]);
        assert.deepEqual([record.connectMs, record.firstByteMs], [-1, -1]);
        assert.ok(record.handshakeMs > 0 && !("endpoint" in record));
      });

      for (const [outcome, request] of [
        ["redirected", "GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n"],
        ["bad-request", "GET / HTTP/1.1\r\n\r\n"],
      ] as const) {
        it(`${outcome}, with the bytes of request and answer`, async () => {
          const localAddress = uniqueVirtualIp();
          const port = shop.portOf("redirect");
          await using client = await rawConnect({ host: shop.ip, port, localAddress });
          await client.send(request);
          const answer = await client.read.toEnd();
          client.end();
          const record = recordIn(await connectionLineOf(shop.director, localAddress));
          assert.equal(record.outcome, outcome);
          assert.equal(record.bytesFromClient, request.length);
          assert.equal(record.bytesToClient, answer.length);
          assert.deepEqual(
            [record.handshakeMs, record.connectMs, record.firstByteMs],
            [-1, -1, -1],
          );
        });
      }

      it("drained, when the director stops and the client stays", async () => {
        const stopping = await startShop({
          engine,
          listeners: { driven: { to: driven.endpoint.port } },
          more: { director: { drain: "500ms" } },
        });
        const [client] = await driven.meet(() => stopping.connect("driven"));
        const stopped = stopping.director.stop();
        assert.equal(recordIn(await stopping.recordOf(client)).outcome, "drained");
        assert.equal((await stopped).code, 0);
      });
    });
  });
});
