import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { recordIn } from "#harness/access-line.ts";
import { startAcceptingEndpoint, type AcceptingEndpoint } from "#harness/accepting-endpoint.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent, type LogLine } from "#harness/log-capture.ts";
import { patternBytes } from "#harness/pattern.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rawConnect } from "#harness/socket-client.ts";
import type { TlsConnectOptions } from "#harness/tls-client.ts";

const requestBytes = 123_456;
/** Two clocks, one of them in whole milliseconds. */
const clockErrorMs = 2;
/** Long compared with the time in which a busy machine sees that a connection is there. */
const silenceMs = 1_000;

type Listener = "full" | "driven" | "off" | "sampled";

describe("access lines", { concurrency: true }, () => {
  forEachEngineIfLong("bun", (engine) => {
    let echo: Endpoint;
    let driven: AcceptingEndpoint;
    let shop: Shop<Listener>;

    before(async () => {
      echo = await startEchoEndpoint();
      driven = await startAcceptingEndpoint();
      shop = await startShop({
        engine,
        listeners: {
          full: { to: echo.port, policy: "web" },
          driven: { to: driven.endpoint.port },
          off: { to: echo.port, accessLog: "off" },
          sampled: { mode: "redirect", certificates: [], accessLog: "sampled" },
        },
        more: { policies: { web: { groups: ["X25519"], alpn: ["h2", "http/1.1"] } } },
      });
    });

    /** A connection that sends bytes and gets them back, from its own address. */
    async function served(options: TlsConnectOptions = {}) {
      const startedAtMs = Date.now();
      const localAddress = uniqueVirtualIp();
      const ALPNProtocols = ["http/1.1"];
      const client = await shop.connect("full", { localAddress, ALPNProtocols, ...options });
      const { facts, clientPort } = client;
      await client.send(patternBytes(requestBytes));
      assert.deepEqual(await client.read.bytes(requestBytes), patternBytes(requestBytes));
      const session = client.socket.getSession();
      client.end();
      await client.read.toEnd();
      const record = recordIn(await shop.recordOf(client));
      const endedAtMs = Date.now();
      assert.ok(record.atMs >= startedAtMs - clockErrorMs);
      assert.ok(record.atMs <= endedAtMs + clockErrorMs);
      assert.ok(record.durationMs <= endedAtMs - startedAtMs + clockErrorMs);
      return { facts, session, record, localAddress, clientPort };
    }

    // One after the other: lines are counted, and one in a hundred is one in a hundred of all.
    describe("tell of a connection", { concurrency: false }, () => {
      for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
        it(`all that its client saw (${version})`, async () => {
          const { facts, record, localAddress, clientPort } = await served({ maxVersion: version });
          const { id, atMs, handshakeMs, connectMs, firstByteMs, durationMs, ...rest } = record;
          assert.ok([atMs, handshakeMs, connectMs, firstByteMs, durationMs].every((ms) => ms > 0));
          assert.ok(id.length > 0);
          assert.deepEqual(rest, {
            listener: "front.shop:8443",
            clientAddress: localAddress,
            clientPort,
            virtualIp: shop.ip,
            serverName: "shop.example",
            tlsVersion: version,
            cipherSuite: facts.cipher,
            group: "X25519",
            alpn: "http/1.1",
            resumed: false,
            endpoint: `web 127.0.0.1:${echo.port}`,
            server: "web",
            bytesFromClient: requestBytes,
            bytesToClient: requestBytes,
            outcome: "completed",
          });
        });

        it(`that it resumed a session (${version})`, async () => {
          const { session, record } = await served({ maxVersion: version });
          const again = await served({ maxVersion: version, session });
          assert.deepEqual([record.resumed, again.record.resumed], [false, true]);
          assert.equal(again.facts.isResumed, true);
          assert.notEqual(again.record.id, record.id);
        });
      }

      it("no server name and no protocol where the client sent none", async () => {
        const checkServerIdentity = (): undefined => undefined;
        const { record } = await served({ servername: "", ALPNProtocols: [], checkServerIdentity });
        assert.ok(!("serverName" in record) && !("alpn" in record));
      });

      it("when the endpoint's first byte came, not when it was there", async () => {
        const client = await shop.connect("driven");
        const endpoint = await driven.accept();
        await new Promise((resolve) => setTimeout(resolve, silenceMs));
        await endpoint.send("late");
        await client.read.until("late");
        client.end();
        endpoint.end();
        const { connectMs, firstByteMs } = recordIn(await shop.recordOf(client));
        assert.ok(firstByteMs - connectMs > silenceMs / 2, `${connectMs}, ${firstByteMs}`);
      });

      it("one in a hundred, where they are sampled", async () => {
        const known = await linesSoFar("sampled");
        const port = shop.portOf("sampled");
        for (let count = 0; count < 200; count += 1) {
          await using client = await rawConnect({ host: shop.ip, port });
          await client.send("GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n");
          await client.read.toEnd();
        }
        assert.equal((await linesSoFar("sampled")).length - known.length, 2);
      });

      it("nothing where they are off", async () => {
        for (let count = 0; count < 3; count += 1) {
          const client = await shop.connect("off");
          client.end();
          await client.read.toEnd();
        }
        assert.deepEqual(await linesSoFar("off"), []);
      });
    });

    /** Returns the lines of all connections of the listener that have ended so far. */
    async function linesSoFar(listener: Listener): Promise<readonly LogLine[]> {
      await served();
      const name = `front.shop:${shop.portOf(listener)}`;
      return shop.director.logs.filter(
        (line) => isEvent(line, "connection") && line["listener"] === name,
      );
    }
  });
});
