import assert from "node:assert/strict";
import { createSecureContext, TLSSocket } from "node:tls";
import { before, describe, it } from "node:test";
import type { ConnectionRecord } from "#model/connection-record.ts";
import { CONNECTION_OUTCOMES, type ConnectionOutcome } from "#model/outcome.ts";
import { startAcceptingEndpoint, type AcceptingEndpoint } from "#harness/accepting-endpoint.ts";
import { freePort, uniqueVirtualIp } from "#harness/addresses.ts";
import { startEndpoint, type Endpoint } from "#harness/endpoint.ts";
import { startEchoEndpoint, startSwallowingEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import { isEvent, type LogLine } from "#harness/log-capture.ts";
import { patternBytes } from "#harness/pattern.ts";
import { connectionLineOf } from "#harness/recorded-handshake.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rawConnect } from "#harness/socket-client.ts";
import { createTestCa } from "#harness/test-ca.ts";
import type { TlsClient, TlsConnectOptions } from "#harness/tls-client.ts";

const sampleEvery = 100;
const requestBytes = 123_456;
/** Alert of TLS 1.2 with a length that no record has, RFC 8446 section 5.1. */
const brokenRecord = Buffer.from([21, 3, 3, 0xff, 0xff, 1, 2, 3]);

const listenerNames = [
  "full",
  "off",
  "sampled",
  "driven",
  "swallowed",
  "hasty",
  "refused",
  "sealed",
] as const;
type Listener = (typeof listenerNames)[number];

/** A line without what only the log adds to a record. */
function recordIn(line: LogLine): ConnectionRecord {
  const { level, time, event, msg, ...record } = line;
  assert.deepEqual([level, event, typeof time], ["info", "connection", "string"]);
  const { outcome } = record as unknown as ConnectionRecord;
  assert.equal(msg, CONNECTION_OUTCOMES[outcome]);
  return record as unknown as ConnectionRecord;
}

/** Each time that has come is not before the one ahead of it, and none is after the end. */
function assertInOrder(record: ConnectionRecord, elapsedMs: number): void {
  const { handshakeMs, connectMs, firstByteMs, durationMs } = record;
  const passed = [handshakeMs, connectMs, firstByteMs, durationMs].filter((ms) => ms !== -1);
  const text = JSON.stringify(passed);
  assert.ok(
    passed.every((ms, at) => ms >= (passed[at - 1] ?? 0)),
    text,
  );
  assert.ok(durationMs > 0 && durationMs <= elapsedMs, `${text}, of ${elapsedMs} ms`);
}

/** Speaks TLS by hand, to break it: an answer that is no record follows the first byte of the client. */
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

forEachEngine((engine) => {
  let echo: Endpoint;
  let driven: AcceptingEndpoint;
  let shop: Shop<Listener>;

  before(async () => {
    echo = await startEchoEndpoint();
    driven = await startAcceptingEndpoint();
    const swallowing = await startSwallowingEndpoint();
    const breaking = await startBreakingEndpoint();
    shop = await startShop({
      engine,
      listeners: {
        full: { to: echo.port, policy: "web" },
        off: { to: echo.port, accessLog: "off" },
        sampled: { mode: "redirect", certificates: [], accessLog: "sampled" },
        driven: { to: driven.endpoint.port },
        swallowed: { to: swallowing.port },
        hasty: { to: driven.endpoint.port, timeouts: { idle: "300ms", halfClosed: "200ms" } },
        refused: { to: await freePort(), accessLog: "off" },
        sealed: { to: breaking.port, endpointTls: { verify: false } },
      },
      more: {
        director: { drain: "500ms" },
        policies: { web: { groups: ["X25519"], alpn: ["h2", "http/1.1"] } },
      },
    });
  });

  const endpointOf = ({ port }: Endpoint): string => `web 127.0.0.1:${port}`;

  async function lineOf(client: TlsClient): Promise<ConnectionRecord> {
    return recordIn((await shop.recordOf(client)) as unknown as LogLine);
  }

  describe("a connection that was served", () => {
    async function served(options: TlsConnectOptions) {
      const startedAtMs = Date.now();
      const localAddress = uniqueVirtualIp();
      const client = await shop.connect("full", {
        ...{ localAddress, ALPNProtocols: ["http/1.1"], ...options },
      });
      const { facts } = client;
      await client.send(patternBytes(requestBytes));
      assert.deepEqual(await client.read.bytes(requestBytes), patternBytes(requestBytes));
      const session = client.socket.getSession();
      client.end();
      await client.read.toEnd();
      const record = await lineOf(client);
      assertInOrder(record, Date.now() - startedAtMs + 1);
      assert.ok(record.atMs >= startedAtMs && record.atMs <= Date.now());
      return { facts, session, record, localAddress, client };
    }

    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      it(`has all of it in its line as the client saw it (${version})`, async () => {
        const { facts, record, localAddress, client } = await served({ maxVersion: version });
        const { id, atMs, handshakeMs, connectMs, firstByteMs, durationMs, ...rest } = record;
        assert.ok([handshakeMs, connectMs, firstByteMs].every((ms) => ms > 0));
        assert.ok(id.length > 0 && atMs > 0 && durationMs > 0);
        assert.deepEqual(rest, {
          listener: "front.shop:8443",
          clientAddress: localAddress,
          clientPort: client.clientPort,
          virtualIp: shop.ip,
          serverName: "shop.example",
          tlsVersion: version,
          cipherSuite: facts.cipher,
          group: "X25519",
          alpn: "http/1.1",
          resumed: false,
          endpoint: endpointOf(echo),
          bytesFromClient: requestBytes,
          bytesToClient: requestBytes,
          outcome: "completed",
        });
      });

      it(`says in its line that it resumed a session (${version})`, async () => {
        const { session, record } = await served({ maxVersion: version });
        const again = await served({ maxVersion: version, session });
        assert.deepEqual([record.resumed, again.record.resumed], [false, true]);
        assert.equal(again.facts.isResumed, true);
        assert.notEqual(again.record.id, record.id);
      });
    }

    it("has no server name and no protocol in its line where the client sent none", async () => {
      const { record } = await served({ servername: "", ALPNProtocols: [], ...unverified });
      assert.ok(!("serverName" in record) && !("alpn" in record));
    });

    it("has the time of the endpoint's first byte, not of its connection", async () => {
      const client = await shop.connect("driven");
      const endpoint = await driven.accept();
      const waitedMs = 150;
      await new Promise((resolve) => setTimeout(resolve, waitedMs));
      await endpoint.send("late");
      await client.read.until("late");
      client.end();
      endpoint.end();
      const record = await lineOf(client);
      assert.ok(record.firstByteMs - record.connectMs > waitedMs / 2, JSON.stringify(record));
    });
  });

  describe("how a connection ends is told by its line", () => {
    /** The record of a connection to `driven`, cut short by one of its sides. */
    async function cutShort(
      listener: "driven" | "hasty",
      cut: (client: TlsClient, endpoint: Awaited<ReturnType<AcceptingEndpoint["accept"]>>) => void,
    ): Promise<ConnectionRecord> {
      const client = await shop.connect(listener);
      const endpoint = await driven.accept();
      await client.send("12345");
      await endpoint.read.bytes(5);
      await endpoint.send("1234567");
      await client.read.bytes(7);
      cut(client, endpoint);
      const record = await lineOf(client);
      assert.deepEqual([record.bytesFromClient, record.bytesToClient], [5, 7]);
      assert.equal(record.endpoint, endpointOf(driven.endpoint));
      assertInOrder(record, Infinity);
      client.drop();
      endpoint.drop();
      return record;
    }

    const outcomes: readonly [ConnectionOutcome, () => Promise<ConnectionRecord>][] = [
      ["client-reset", () => cutShort("driven", (client) => client.reset())],
      ["endpoint-reset", () => cutShort("driven", (_, endpoint) => endpoint.reset())],
      ["idle", () => cutShort("hasty", () => {})],
      ["half-closed-idle", () => cutShort("hasty", (client) => client.end())],
    ];
    for (const [outcome, recorded] of outcomes) {
      it(outcome, async () => {
        assert.equal((await recorded()).outcome, outcome);
      });
    }

    it("completed, with -1 for a first byte that never came", async () => {
      const client = await shop.connect("swallowed");
      await client.send(patternBytes(requestBytes));
      client.end();
      await client.read.toEnd();
      const { outcome, firstByteMs, bytesFromClient, bytesToClient } = await lineOf(client);
      assert.deepEqual(
        [outcome, firstByteMs, bytesFromClient, bytesToClient],
        ["completed", -1, requestBytes, 0],
      );
    });

    it("client-tls-error, and the endpoint is not told that the client has said all", async () => {
      const over = await rawConnect({ host: shop.ip, port: shop.portOf("driven") });
      const client = await shop.connect("driven", { over });
      const endpoint = await driven.accept();
      over.socket.write(brokenRecord);
      assert.equal((await lineOf(client)).outcome, "client-tls-error");
      assert.equal(await endpoint.read.outcome(), "ECONNRESET");
    });

    it("endpoint-tls-error, and the client is not told that the endpoint has said all", async () => {
      const client = await shop.connect("sealed");
      await client.send("x");
      assert.equal((await lineOf(client)).outcome, "endpoint-tls-error");
      assert.equal(await client.read.outcome(), "ECONNRESET");
    });

    it("endpoint-failed with the cause, also where no access lines are wanted", async () => {
      const client = await shop.connect("refused");
      const record = await lineOf(client);
      assert.equal(record.outcome, "endpoint-failed");
      assert.equal(record.endpointFailure, "refused");
      assert.deepEqual([record.connectMs, record.firstByteMs], [-1, -1]);
      assert.ok(!("endpoint" in record));
      assertInOrder(record, Infinity);
    });

    for (const [outcome, request] of [
      ["redirected", "GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n"],
      ["bad-request", "GET / HTTP/1.1\r\n\r\n"],
    ] as const) {
      it(`${outcome} by a redirect listener, whose request and answer are counted`, async () => {
        const localAddress = uniqueVirtualIp();
        // Lines are sampled there: as many requests as it takes for one of them.
        const answer = await redirect(request, localAddress, sampleEvery);
        const record = recordIn(await connectionLineOf(shop.director, localAddress));
        assert.equal(record.outcome, outcome);
        assert.deepEqual(
          [record.bytesFromClient, record.bytesToClient],
          [request.length, answer.length],
        );
        assert.deepEqual([record.handshakeMs, record.connectMs], [-1, -1]);
      });
    }
  });

  /** The same request over `times` connections; gives the answer. */
  async function redirect(request: string, localAddress: string, times: number): Promise<Buffer> {
    const port = shop.portOf("sampled");
    const ask = async (): Promise<Buffer> => {
      await using client = await rawConnect({ host: shop.ip, port, localAddress });
      await client.send(request);
      return await client.read.toEnd();
    };
    let answer: Buffer = Buffer.alloc(0);
    for (let count = 0; count < times; count += 1) answer = await ask();
    return answer;
  }

  /** Of connections that have ended before. */
  async function linesSoFar(listener: Listener): Promise<readonly LogLine[]> {
    const marker = await shop.connect("full");
    marker.end();
    await lineOf(marker);
    const name = `front.shop:${shop.portOf(listener)}`;
    return shop.director.logs.filter(
      (line) => isEvent(line, "connection") && line["listener"] === name,
    );
  }

  it("a listener has a line for every hundredth connection where that is asked for", async () => {
    const before = await linesSoFar("sampled");
    await redirect("GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n", uniqueVirtualIp(), 200);
    assert.equal((await linesSoFar("sampled")).length - before.length, 2);
  });

  it("a listener has no lines unless they are asked for", async () => {
    for (let count = 0; count < 3; count += 1) {
      const client = await shop.connect("off");
      client.end();
      await client.read.toEnd();
    }
    assert.deepEqual(await linesSoFar("off"), []);
  });

  it("a connection that the end of the director cuts is told by its line as drained", async () => {
    const client = await shop.connect("driven");
    await driven.accept();
    const stopped = shop.director.stop();
    assert.equal((await lineOf(client)).outcome, "drained");
    assert.equal((await stopped).code, 0);
  });
});

const unverified = { checkServerIdentity: () => undefined } as const;
