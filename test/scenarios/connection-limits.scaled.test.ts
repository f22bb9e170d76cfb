import assert from "node:assert/strict";
import { before, beforeEach, describe, it } from "node:test";
import { OVER_LIMITS, type OverLimit } from "#model/records/outcome.ts";
import { freePort, uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startEndpoint, type Endpoint } from "#harness/endpoint.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { failedHandshakeWhere } from "#harness/failed-handshakes.ts";
import { rawConnect, rejectedConnect, type SocketClient } from "#harness/socket-client.ts";
import { createTestCa, type TestCa } from "#harness/test-ca.ts";
import { tlsConnect, type TlsClient } from "#harness/tls-client.ts";

const limitOfVnic = 3;
const limitInAll = 40;
const ports = { tls: 8443, hasty: 8444, broken: 8445, redirect: 8446 };
type Port = keyof typeof ports;

const endings = [
  "the client ends it",
  "the client resets it",
  "the endpoint resets it",
  "the endpoint cannot be reached",
  "the client does not speak TLS",
  "the client speaks plain HTTP",
  "the client leaves in mid-handshake",
  "the client misses the deadline",
  "the client was sent elsewhere",
] as const;
type Ending = (typeof endings)[number];

forEachEngineIfLong("bun", (engine) => {
  const front = uniqueVirtualIp();
  const side = uniqueVirtualIp();
  const forEnding = new Map(endings.map((ending) => [ending, uniqueVirtualIp()]));
  const refused = new Map<OverLimit, number>();
  let ca: TestCa;
  let endpoint: Endpoint;
  let director: Director;
  /** Without a limit, the document lacks the vNIC `front`. */
  let documentWith: (limitOfFront: number | undefined) => object;

  before(async () => {
    ca = await createTestCa();
    const issued = await ca.issue({ names: ["shop.example"] });
    endpoint = await startEndpoint((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (chunk: Buffer) => {
        if (chunk.includes("reset")) socket.resetAndDestroy();
        else socket.write(chunk);
      });
      socket.on("end", () => socket.end());
    });
    const { host, port: to } = endpoint;
    const tls = { to, certificates: ["shop"] };
    const listeners = [
      { ...tls, port: ports.tls },
      { ...tls, port: ports.hasty, timeouts: { handshake: "300ms" } },
      { ...tls, port: ports.broken, to: await freePort(host) },
      { port: ports.redirect, mode: "redirect" },
    ];
    const vnicOf = (ip: string, maxConnections: number = limitOfVnic): object => ({
      ip,
      qos: { maxConnections },
      listeners,
    });
    const others = [...forEnding.values()].map((ip, at) => [`v${at}`, vnicOf(ip)]);
    documentWith = (limitOfFront) => ({
      director: { maxConnections: limitInAll },
      servers: { web: { address: host } },
      profiles: {
        shop: {
          servers: ["web"],
          vnics: {
            ...Object.fromEntries(others),
            side: { ip: side, listeners },
            ...(limitOfFront === undefined ? {} : { front: vnicOf(front, limitOfFront) }),
          },
        },
      },
      certificates: { shop: { chain: "shop.pem", key: "shop.key" } },
    });
    director = await startDirector({
      document: documentWith(limitOfVnic),
      engine,
      workers: 1,
      files: { "shop.pem": issued.chainPem, "shop.key": issued.keyPem },
    });
  });

  const connect = (host: string, port: Port): Promise<TlsClient> =>
    tlsConnect({ host, port: ports[port], ca: ca.certificatePem, servername: "shop.example" });

  /** A client with a connection all the way to the endpoint. */
  async function open(host: string): Promise<TlsClient> {
    const client = await connect(host, "tls");
    await assertEchoes(client);
    return client;
  }

  async function assertEchoes(client: TlsClient): Promise<void> {
    await client.send("still there\n");
    assert.equal(await client.read.until("\n"), "still there\n");
  }

  const openMany = (host: string, count: number): Promise<TlsClient[]> =>
    Promise.all(Array.from({ length: count }, () => open(host)));

  const countRefusal = (limit: OverLimit): void =>
    void refused.set(limit, (refused.get(limit) ?? 0) + 1);

  /** One connection too many is turned away at once: nothing is asked of it, and nothing said. */
  async function assertFull(host: string, limit: OverLimit, port: Port = "tls"): Promise<void> {
    const localAddress = uniqueVirtualIp();
    const end = await rejectedConnect({ host, port: ports[port], localAddress });
    assert.deepEqual(end, { outcome: "ECONNRESET", received: 0 });
    countRefusal(limit);
    const record = await failedHandshakeWhere(
      director,
      ({ clientAddress }) => clientAddress === localAddress,
    );
    assert.partialDeepStrictEqual(record, { failure: "over-limit", limit });
  }

  /** Opens a connection as soon as there is a place. */
  const openWhenFree = (host: string): Promise<TlsClient> =>
    eventually(async () => {
      try {
        return await open(host);
      } catch (error) {
        assert.equal((error as { readonly code?: string }).code, "ECONNRESET");
        countRefusal("vnic-connections");
        return undefined;
      }
    }, 10_000);

  /** The endpoint hears of a connection's end when its place is free already. */
  const untilOpen = (count: number): Promise<unknown> =>
    eventually(() => endpoint.open.size === count, 10_000, `${count} open connections`);

  async function close(clients: readonly TlsClient[]): Promise<void> {
    for (const client of clients) client.reset();
    await untilOpen(0);
  }

  describe("a place is given back when", { concurrency: true }, () => {
    const raw = (host: string, port: Port): Promise<SocketClient> =>
      rawConnect({ host, port: ports[port] });
    const speak = async (host: string, port: Port, words: string): Promise<void> => {
      const client = await raw(host, port);
      await client.send(words);
      await client.read.outcome();
      client.end();
    };
    const run: Readonly<Record<Ending, (host: string) => Promise<unknown>>> = {
      "the client ends it": async (host) => {
        const client = await open(host);
        client.end();
        await client.read.outcome();
      },
      "the client resets it": async (host) => (await open(host)).reset(),
      "the endpoint resets it": async (host) => {
        const client = await open(host);
        await client.send("reset");
        await client.read.outcome();
      },
      "the endpoint cannot be reached": async (host) =>
        (await connect(host, "broken")).read.outcome(),
      "the client does not speak TLS": (host) => speak(host, "tls", "SSH-2.0-OpenSSH_9\r\n"),
      "the client speaks plain HTTP": (host) => speak(host, "tls", "GET / HTTP/1.1\r\n\r\n"),
      "the client leaves in mid-handshake": async (host) => {
        const client = await raw(host, "tls");
        await client.send("\x16\x03\x01");
        client.reset();
      },
      "the client misses the deadline": async (host) => (await raw(host, "hasty")).read.outcome(),
      "the client was sent elsewhere": (host) =>
        speak(host, "redirect", "GET / HTTP/1.1\r\nHost: a.b\r\n\r\n"),
    };
    for (const ending of endings) {
      it(ending, async () => {
        const host = forEnding.get(ending) ?? "";
        await Promise.all(Array.from({ length: limitOfVnic }, () => run[ending](host)));
        const clients = [];
        // One after the other, as each waits for a place.
        // oxlint-disable-next-line no-await-in-loop
        while (clients.length < limitOfVnic) clients.push(await openWhenFree(host));
        await assertFull(host, "vnic-connections");
        for (const client of clients) client.reset();
      });
    }
  });

  describe("the number of open connections", { concurrency: false }, () => {
    beforeEach(async () => {
      await untilOpen(0);
      assert.notEqual((await director.reload(documentWith(limitOfVnic))).outcome, "refused");
    });

    it("of one vNIC is shared by all of its listeners, and by no other vNIC", async () => {
      const clients = await openMany(front, limitOfVnic);
      for (const port of Object.keys(ports) as Port[]) {
        await assertFull(front, "vnic-connections", port);
      }
      clients.push(await open(side));
      await close(clients);
    });

    it("of the director is shared by all vNICs", async () => {
      const clients = await openMany(side, limitInAll);
      await assertFull(side, "director-connections");
      await assertFull(front, "director-connections");
      await close(clients);
      await close([await open(front)]);
    });

    it("has another limit from SIGHUP on, for the connections that are open too, and none is cut", async () => {
      const clients = await openMany(front, limitOfVnic);
      assert.equal((await director.reload(documentWith(2))).outcome, "applied");
      await assertFull(front, "vnic-connections");
      clients.pop()?.reset();
      await untilOpen(2);
      await assertFull(front, "vnic-connections");
      assert.equal((await director.reload(documentWith(4))).outcome, "applied");
      clients.push(...(await openMany(front, 2)));
      await assertFull(front, "vnic-connections");
      await Promise.all(clients.map(assertEchoes));
      await close(clients);
    });

    it("of a vNIC that is taken out and comes back has the connections that it kept", async () => {
      const clients = await openMany(front, 2);
      assert.equal((await director.reload(documentWith(undefined))).outcome, "applied");
      assert.equal((await director.reload(documentWith(limitOfVnic))).outcome, "applied");
      clients.push(await open(front));
      await assertFull(front, "vnic-connections");
      await Promise.all(clients.map(assertEchoes));
      await close(clients);
    });
  });

  // This holds whatever tests have run before it: each of them notes its refusals.
  it("every connection over a limit is counted, once and by its limit", async () => {
    await eventually(async () => {
      const metrics = await director.metrics();
      const counted = (limit: OverLimit): number =>
        metrics.sum("tlsd_connections_limited_total", { limit });
      for (const limit of OVER_LIMITS) assert.equal(counted(limit), refused.get(limit) ?? 0, limit);
      assert.equal(metrics.sum("tlsd_connections_open"), 0);
      // A mode that has no handshake counts them as refused.
      const all =
        metrics.sum("tlsd_handshakes_failed_total", { cause: "over-limit" }) +
        metrics.sum("tlsd_connections_refused_total", { cause: "over-limit" });
      assert.equal(
        all,
        [...refused.values()].reduce((sum, count) => sum + count, 0),
      );
      return true;
    }, 10_000);
  });
});
