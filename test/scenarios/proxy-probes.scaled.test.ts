import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { eventually } from "#harness/deadline.ts";
import {
  failedHandshakes,
  failedHandshakeWhere,
  type FailedHandshake,
} from "#harness/failed-handshakes.ts";
import { leaveBeforeAccept, type Speaker } from "#harness/gone-peers.ts";
import { isEvent } from "#harness/log-capture.ts";
import { announcedClient, proxyV1Header, proxyV2Header } from "#harness/proxy-header.ts";
import { servedText } from "#harness/recorded-handshake.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rawConnect, type SocketClient } from "#harness/socket-client.ts";
import { captureHello } from "#harness/tls-client.ts";

const behindProxy = ["checked", "followed", "silent", "vanishing", "vanished"] as const;
type Name = (typeof behindProxy)[number] | "hasty" | "redirect" | "direct" | "plain" | "egress";

/** What a proxy may begin a health check with; the last is what the specification has it send in version 1. */
const probeHeaders: Readonly<Record<string, (raw: SocketClient) => Buffer>> = {
  "v2 LOCAL": () => proxyV2Header(),
  "v2 LOCAL with addresses": () => {
    const header = proxyV2Header(announcedClient());
    header[12] = 0x20;
    return header;
  },
  "v1 UNKNOWN": () => Buffer.from("PROXY UNKNOWN\r\n"),
  "v1 with the proxy's own addresses": ownAddresses(proxyV1Header),
  "v2 with the proxy's own addresses": ownAddresses(proxyV2Header),
};

function ownAddresses(build: typeof proxyV1Header): (raw: SocketClient) => Buffer {
  return ({ socket }) =>
    build({
      clientAddress: String(socket.localAddress),
      clientPort: Number(socket.localPort),
      virtualIp: String(socket.remoteAddress),
      virtualPort: Number(socket.remotePort),
    });
}

const kinds = Object.entries(probeHeaders);

forEachEngineIfLong("node", (engine) => {
  const proxy = uniqueVirtualIp();
  let shop: Shop<Name>;
  let hello: Buffer;

  before(async () => {
    const endpoint = await startHttpEndpoint(servedText);
    const acceptProxyProtocol = [`${proxy}/32`];
    const listener = { to: endpoint.port, acceptProxyProtocol };
    const endpointTls = { ca: "shop.pem" };
    const to = `127.0.0.1:${endpoint.port}`;
    shop = await startShop({
      engine,
      listeners: {
        ...(Object.fromEntries(behindProxy.map((name) => [name, listener])) as Record<
          (typeof behindProxy)[number],
          object
        >),
        hasty: { ...listener, timeouts: { handshake: "2s" } },
        redirect: { mode: "redirect", certificates: [], acceptProxyProtocol },
        direct: { to: endpoint.port },
        plain: { mode: "redirect", certificates: [] },
        egress: { mode: "egress", certificates: [], to, endpointTls, allowFrom: [`${proxy}/32`] },
      },
    });
    hello = await captureHello({ servername: "shop.example" });
  });

  const peerOf = (name: Name): Promise<SocketClient> =>
    rawConnect({ host: shop.ip, port: shop.portOf(name), localAddress: proxy });

  const listenerOf = (name: Name): string => `front.shop:${shop.portOf(name)}`;

  const failuresAt = async (name: Name): Promise<readonly FailedHandshake[]> =>
    (await failedHandshakes(shop.director)).filter(({ listener }) => listener === listenerOf(name));

  /** Both are counted in one message, so that no failure can come after its probe. */
  async function assertProbesAlone(name: Name, probes: number): Promise<void> {
    await shop.untilMetric("tlsd_proxy_probes_total", probes, {}, name);
    await shop.untilMetric("tlsd_connections_open", 0, {}, name);
    const listener = listenerOf(name);
    const metrics = await shop.director.metrics();
    assert.equal(metrics.sum("tlsd_handshakes_failed_total", { listener }), 0);
    assert.equal(metrics.sum("tlsd_connections_refused_total", { listener }), 0);
    assert.deepEqual(await failuresAt(name), []);
    const lines = shop.director.logs.filter(
      (line) => isEvent(line, "handshake-failed", "connection") && line["listener"] === listener,
    );
    assert.deepEqual(lines, []);
  }

  describe(
    "a header that speaks for no client, and nothing after it",
    { concurrency: true },
    () => {
      it("is a health check, however it ends: no failure, no record, no line", async () => {
        for (const [, header] of kinds) {
          for (const end of ["end", "reset"] as const) {
            const raw = await peerOf("checked");
            await raw.send(header(raw));
            raw[end]();
            if (end === "end") await raw.read.outcome();
          }
        }
        await assertProbesAlone("checked", 2 * kinds.length);
      });

      it("is a health check when it stays until the handshake deadline", async () => {
        const raws = await Promise.all(
          kinds.map(async ([, header]) => {
            const raw = await peerOf("hasty");
            await raw.send(header(raw));
            return raw;
          }),
        );
        for (const raw of raws) assert.equal(await raw.read.outcome(), "ECONNRESET");
        await assertProbesAlone("hasty", kinds.length);
      });

      it("is a health check of a redirect too", async () => {
        for (const [, header] of kinds) {
          const raw = await peerOf("redirect");
          await raw.send(header(raw));
          raw.reset();
        }
        await assertProbesAlone("redirect", kinds.length);
      });
    },
  );

  it("is a client of the proxy itself once a byte follows", async () => {
    for (const [name, header] of kinds) {
      const raw = await peerOf("followed");
      const { clientPort } = raw;
      await raw.send(header(raw));
      await raw.send("SSH-2.0-OpenSSH_9\r\n");
      const record = await failedHandshakeWhere(
        shop.director,
        (one) => one.clientPort === clientPort && one.listener === listenerOf("followed"),
      );
      assert.deepEqual([record.failure, record.clientAddress], ["not-tls", proxy], name);
      assert.equal(record.proxyAddress, undefined, name);
    }
    for (const [name, header] of kinds) {
      const over = await peerOf("followed");
      const { clientPort } = over;
      await over.send(header(over));
      const client = await shop.connect("followed", { over });
      await client.send("GET / HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n");
      await client.read.until(servedText);
      client.end();
      const line = await shop.director.waitForLog(
        (one) => isEvent(one, "connection") && one["clientPort"] === clientPort,
      );
      assert.deepEqual([line["outcome"], line["clientAddress"]], ["completed", proxy], name);
      assert.equal(line["proxyAddress"], undefined, name);
    }
    const listener = listenerOf("followed");
    assert.equal((await shop.director.metrics()).sum("tlsd_proxy_probes_total", { listener }), 0);
  });

  it("a peer that only connects and leaves is recorded as before", async () => {
    const raw = await peerOf("silent");
    const { clientPort } = raw;
    raw.end();
    assert.equal(await raw.read.outcome(), "ECONNRESET");
    const record = await failedHandshakeWhere(
      shop.director,
      (one) => one.clientPort === clientPort && one.listener === listenerOf("silent"),
    );
    assert.deepEqual([record.failure, record.clientAddress], ["closed", proxy]);
  });

  describe("a peer that is gone before it is accepted", { concurrency: false }, () => {
    const visit = (name: Name, speakers: readonly Speaker[]): Promise<void> =>
      leaveBeforeAccept(shop, () => peerOf(name), speakers);

    const nothing = (): Buffer => Buffer.alloc(0);

    /** The records of all of them, which say no more than that a peer of no known address has reset. */
    async function assertResets(name: Name, count: number): Promise<void> {
      const records = await eventually(async () => {
        const found = await failuresAt(name);
        return found.length >= count && found;
      });
      assert.equal(records.length, count);
      for (const record of records) {
        assert.partialDeepStrictEqual(record, {
          failure: "reset",
          clientAddress: "",
          clientPort: 0,
        });
        assert.equal(record.proxyAddress, undefined);
        assert.equal(record.serverName, undefined);
      }
    }

    it("is no failure where it was a health check of a proxy", async () => {
      await visit(
        "vanishing",
        kinds.map(([, header]) => header),
      );
      await assertProbesAlone("vanishing", kinds.length);
    });

    it("is recorded as reset where a proxy must announce its clients, whatever it said", async () => {
      const speakers = [
        nothing,
        () => hello,
        () => Buffer.from("SSH-2.0-OpenSSH_9\r\n"),
        () => proxyV2Header(announcedClient()),
        () => Buffer.concat([proxyV1Header(announcedClient()), hello]),
        () => Buffer.concat([proxyV2Header(), hello]),
        () => proxyV2Header(announcedClient()).subarray(0, 20),
      ];
      await visit("vanished", speakers);
      await assertResets("vanished", speakers.length);
      const listener = listenerOf("vanished");
      assert.equal((await shop.director.metrics()).sum("tlsd_proxy_probes_total", { listener }), 0);
    });

    for (const name of ["direct", "plain", "egress"] as const) {
      it(`is recorded as reset and shown without an address, and judged by nothing else (${name})`, async () => {
        const speakers = [nothing, () => hello, () => Buffer.from("GET / HTTP/1.1\r\n\r\n")];
        await visit(name, speakers);
        await assertResets(name, speakers.length);
        await shop.untilMetric("tlsd_connections_open", 0, {}, name);
        const { stdout } = await shop.director.cli("show", "handshakes", listenerOf(name));
        assert.match(stdout, / front\.shop:\d+ +- +- +reset /);
      });
    }
  });
});
