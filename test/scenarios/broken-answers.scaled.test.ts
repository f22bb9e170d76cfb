import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import { before, describe, it } from "node:test";
import { startAcceptingEndpoint, type AcceptingEndpoint } from "#harness/accepting-endpoint.ts";
import { eventually } from "#harness/deadline.ts";
import { startEgress, type Egress } from "#harness/egress.ts";
import { startEndpoint, type Endpoint } from "#harness/endpoint.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { patternBytes, patternDigest } from "#harness/pattern.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rawConnect, type SocketClient } from "#harness/socket-client.ts";
import { tryTcpQueues } from "#harness/tcp-sockets.ts";
import { createTestCa, type TestCa } from "#harness/test-ca.ts";
import { tlsConnect, type TlsClient } from "#harness/tls-client.ts";
import { startWireTap, tlsRecordTypes, type WireTap } from "#harness/wire-tap.ts";

/** More than the kernels take on the way to a client that does not read, and fewer than the director keeps. */
const answerBytes = 200_000;
const partBytes = 1_000;
const alert = 21;
/** These bytes are no TLS record, RFC 8446 section 5.1. */
const brokenRecord = Buffer.from([21, 3, 3, 0xff, 0xff, 1, 2, 3]);

/** A TLS server that sends a part of an answer at the first byte, and breaks off at the next. */
async function startBreakingEndpoint(
  ca: TestCa,
  breakOff: (transport: Socket) => void,
  host = "127.0.0.1",
): Promise<Endpoint> {
  const { chainPem, keyPem } = await ca.issue({ names: [host] });
  const secureContext = createSecureContext({ cert: chainPem, key: keyPem });
  return startEndpoint(
    (raw) => {
      const tls = new TLSSocket(raw, { isServer: true, secureContext });
      tls.on("error", () => undefined);
      tls.once("data", () => {
        tls.write(patternBytes(partBytes));
        tls.once("data", () => breakOff(raw));
      });
    },
    { host },
  );
}

const breaks: Readonly<Record<string, (transport: Socket) => void>> = {
  "endpoint-reset": (transport) => setImmediate(() => transport.resetAndDestroy()),
  "endpoint-tls-error": (transport) => transport.write(brokenRecord),
};

forEachEngineIfLong("node", (engine) => {
  let driven: AcceptingEndpoint;
  let shop: Shop<"driven" | "hasty" | "endpoint-reset" | "endpoint-tls-error">;
  let tap: WireTap;

  before(async () => {
    const ca = await createTestCa();
    driven = await startAcceptingEndpoint();
    const to = driven.endpoint.port;
    const sealed = async (how: string): Promise<object> => ({
      to: (await startBreakingEndpoint(ca, breaks[how] ?? (() => {}))).port,
      endpointTls: { verify: false },
    });
    shop = await startShop({
      engine,
      listeners: {
        driven: { to },
        hasty: { to, timeouts: { idle: "3s", halfClosed: "3s" } },
        "endpoint-reset": await sealed("endpoint-reset"),
        "endpoint-tls-error": await sealed("endpoint-tls-error"),
      },
    });
    tap = await startWireTap({ host: shop.ip, port: shop.portOf("driven") });
  });

  /** Sends, and resets when the director has taken all, or takes no more. */
  async function sendAndReset(server: SocketClient, bytes: number): Promise<void> {
    const { localPort = 0, remotePort = 0 } = server.socket;
    void server.send(patternBytes(bytes)).catch(() => undefined);
    let seen = "";
    let sameCount = 0;
    await eventually(() => {
      const here = tryTcpQueues(localPort, remotePort);
      const there = tryTcpQueues(remotePort, localPort);
      const now = JSON.stringify([here, there, server.socket.writableLength]);
      sameCount = now === seen ? sameCount + 1 : 0;
      seen = now;
      const isTaken = here?.unacknowledged === 0 && there?.unread === 0;
      return isTaken && server.socket.writableLength === 0 ? true : sameCount > 5;
    }, 20_000);
    server.reset();
  }

  const outcomeOf = async (client: TlsClient): Promise<string> =>
    (await shop.recordOf(client)).outcome;

  describe("a client whose endpoint resets in mid-answer", () => {
    for (const bytes of [1, answerBytes]) {
      it(`is sent the ${bytes} bytes that came, however slow it is`, async () => {
        const [client, server] = await driven.meet(() => shop.connect("driven"));
        await sendAndReset(server, bytes);
        assert.deepEqual(await client.read.digestToEnd(), patternDigest(bytes));
        assert.equal(await outcomeOf(client), "endpoint-reset");
      });
    }

    it("is sent it after its own end, too", async () => {
      const [client, server] = await driven.meet(() => shop.connect("driven"));
      client.end();
      await server.read.toEnd();
      await sendAndReset(server, answerBytes);
      assert.deepEqual(await client.read.digestToEnd(), patternDigest(answerBytes));
      assert.equal(await outcomeOf(client), "endpoint-reset");
    });

    it("is sent a beginning of what was more than anyone keeps", async () => {
      const [client, server] = await driven.meet(() => shop.connect("driven"));
      await sendAndReset(server, 10_000_000);
      const { bytes, outcome } = await client.read.toOutcome();
      assert.equal(outcome, "end");
      assert.ok(bytes.length > 100_000, `${bytes.length} bytes`);
      assert.ok(bytes.equals(patternBytes(bytes.length)));
      assert.equal(await outcomeOf(client), "endpoint-reset");
    });

    it("is sent it while it sends without end itself", async () => {
      const [client, server] = await driven.meet(() => shop.connect("driven"));
      void client.send(patternBytes(40_000_000)).catch(() => undefined);
      await eventually(() => server.socket.bytesRead > 0);
      await server.send(patternBytes(partBytes));
      server.reset();
      assert.ok((await client.read.bytes(partBytes)).equals(patternBytes(partBytes)));
      assert.equal(await client.read.outcome(), "end");
      assert.equal(await outcomeOf(client), "endpoint-reset");
    });

    it("is reset where no byte of an answer came", async () => {
      const [client, server] = await driven.meet(() => shop.connect("driven"));
      server.reset();
      assert.equal(await client.read.outcome(), "ECONNRESET");
    });

    it("is reset when it takes none of it for the idle deadline", async () => {
      const [client, server] = await driven.meet(() => shop.connect("hasty"));
      await sendAndReset(server, 10_000_000);
      // Node does not see the reset of a socket that is held back.
      assert.match(await outcomeOf(client), /^(endpoint-reset|idle)$/);
      assert.equal(await client.read.outcome(), "ECONNRESET");
    });
  });

  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    it(`a broken answer ends without close_notify, a whole one with it, ${maxVersion}`, async () => {
      const connect = (): Promise<TlsClient> =>
        tlsConnect({
          ...{ host: tap.endpoint.host, port: tap.endpoint.port, maxVersion },
          ...{ ca: shop.ca.certificatePem, servername: "shop.example" },
        });
      const [broken, brokenServer] = await driven.meet(connect);
      await sendAndReset(brokenServer, partBytes);
      await broken.read.toEnd();
      const brokenTypes = tlsRecordTypes(tap.received().at(-1) ?? Buffer.alloc(0));
      const [whole, wholeServer] = await driven.meet(connect);
      wholeServer.socket.end(patternBytes(partBytes));
      await whole.read.toEnd();
      const wholeTypes = tlsRecordTypes(tap.received().at(-1) ?? Buffer.alloc(0));
      // The alert is a record more; TLS 1.3 hides its type.
      assert.equal(wholeTypes.length, brokenTypes.length + 1);
      if (maxVersion === "TLSv1.2") {
        assert.equal(wholeTypes.at(-1), alert);
        assert.equal(brokenTypes.includes(alert), false);
      }
    });
  }

  for (const how of ["endpoint-reset", "endpoint-tls-error"] as const) {
    it(`a client is told of no end by an endpoint that speaks TLS and breaks off: ${how}`, async () => {
      const client = await shop.connect(how);
      await client.send("x");
      assert.ok((await client.read.bytes(partBytes)).equals(patternBytes(partBytes)));
      await client.send("y");
      assert.equal(await client.read.outcome(), "end");
      assert.equal(await outcomeOf(client), how);
    });
  }

  describe("a server without TLS, whose remote breaks off in mid-answer", () => {
    let egress: Egress<"endpoint-reset" | "endpoint-tls-error">;

    before(async () => {
      const ca = await createTestCa();
      const remote = (how: string): object => ({
        endpoint: () => startBreakingEndpoint(ca, breaks[how] ?? (() => {})),
        endpointTls: { ca: "ca.pem", serverName: "127.0.0.1" },
      });
      egress = await startEgress({
        engine,
        remotes: {
          "endpoint-reset": remote("endpoint-reset"),
          "endpoint-tls-error": remote("endpoint-tls-error"),
        },
        files: { "ca.pem": ca.certificatePem },
      });
    });

    for (const how of ["endpoint-reset", "endpoint-tls-error"] as const) {
      it(`gets what came and then a reset: ${how}`, async () => {
        const client = await rawConnect(egress.to(how));
        await client.send("x");
        assert.ok((await client.read.bytes(partBytes)).equals(patternBytes(partBytes)));
        await client.send("y");
        assert.equal(await client.read.outcome(), "ECONNRESET");
        assert.equal((await egress.recordOf(how, client.clientPort)).outcome, how);
      });
    }
  });
});
