import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { byteByByte } from "#harness/byte-by-byte.ts";
import { badProxyHeaders } from "#harness/bad-proxy-headers.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import {
  failedHandshakes,
  failedHandshakeWhere,
  type FailedHandshake,
} from "#harness/failed-handshakes.ts";
import { eventually } from "#harness/deadline.ts";
import type { LogLine } from "#harness/log-capture.ts";
import {
  announcedClient,
  proxyV1Header,
  proxyV2Header,
  tlvTypes,
  type ProxyAddresses,
} from "#harness/proxy-header.ts";
import { connectionLineOf, servedText } from "#harness/recorded-handshake.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rawConnect, type SocketClient } from "#harness/socket-client.ts";
import type { TlsClient, TlsConnectOptions } from "#harness/tls-client.ts";

const request = "GET / HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n";
const perAddressPerSecond = 2;
const tlvs = [
  { type: tlvTypes.authority, value: Buffer.from("announced.example") },
  { type: tlvTypes.noop, value: Buffer.alloc(700) },
  { type: 0xe3, value: Buffer.from("of a site's own") },
];

async function useOnce(client: TlsClient): Promise<void> {
  await client.send(request);
  await client.read.until(servedText);
  client.end();
  await client.read.toEnd();
}

forEachEngineIfLong("bun", (engine) => {
  const proxy = uniqueVirtualIp();
  let shop: Shop<"behind" | "hasty" | "redirect">;

  before(async () => {
    const endpoint = await startHttpEndpoint(servedText);
    const acceptProxyProtocol = ["192.0.2.0/24", `${proxy}/32`];
    shop = await startShop({
      engine,
      vnic: { qos: { handshakesPerSecondPerAddress: perAddressPerSecond } },
      listeners: {
        behind: { to: endpoint.port, acceptProxyProtocol },
        hasty: { to: endpoint.port, acceptProxyProtocol, timeouts: { handshake: "2s" } },
        redirect: { mode: "redirect", certificates: [], acceptProxyProtocol },
      },
    });
  });

  const peerOf = (listener: "behind" | "hasty" | "redirect"): Promise<SocketClient> =>
    rawConnect({ host: shop.ip, port: shop.portOf(listener), localAddress: proxy });

  /** A request of the listed peer, and its access line. */
  async function served(clientAddress: string, options: TlsConnectOptions): Promise<LogLine> {
    await useOnce(await shop.connect("behind", { localAddress: proxy, ...options }));
    return connectionLineOf(shop.director, clientAddress);
  }

  /** The client address in the records of the director: the announced one, or that of the socket. */
  const failureOf = (client: {
    readonly clientAddress: string;
    readonly clientPort?: number;
  }): Promise<FailedHandshake> =>
    failedHandshakeWhere(
      shop.director,
      ({ clientAddress, clientPort }) =>
        clientAddress === client.clientAddress && clientPort === (client.clientPort ?? clientPort),
    );

  function assertAnnounced(line: LogLine | FailedHandshake, client: ProxyAddresses): void {
    const { clientAddress, clientPort } = client;
    assert.partialDeepStrictEqual(line, { clientAddress, clientPort, proxyAddress: proxy });
  }

  const headers = {
    "v1, IPv4": () => [announcedClient(4), proxyV1Header],
    "v1, IPv6": () => [announcedClient(6), proxyV1Header],
    "v2, IPv4": () => [announcedClient(4), proxyV2Header],
    "v2, IPv6": () => [announcedClient(6), proxyV2Header],
    "v2 with TLVs": () => [announcedClient(4), (client) => proxyV2Header(client, tlvs)],
  } satisfies Record<string, () => [ProxyAddresses, (client: ProxyAddresses) => Buffer]>;

  describe("a listed peer", { concurrency: true }, () => {
    for (const [name, make] of Object.entries(headers)) {
      it(`announces the client in the packet that TLS starts in (${name})`, async () => {
        const [client, build] = make();
        const line = await served(client.clientAddress, { prefix: build(client) });
        assertAnnounced(line, client);
        assert.equal(
          line["virtualIp"],
          shop.ip,
          "what the header says of the destination is not ours",
        );
        assert.equal(line["outcome"], "completed");
      });

      it(`announces the client byte by byte, and so the ClientHello (${name})`, async () => {
        const [client, build] = make();
        const cutHello = (hello: Buffer): Iterable<Uint8Array> =>
          byteByByte(Buffer.concat([build(client), hello]));
        assertAnnounced(await served(client.clientAddress, { cutHello }), client);
      });
    }

    it("announces the client ahead of a pause", async () => {
      const client = announcedClient();
      const over = await peerOf("behind");
      await over.send(proxyV2Header(client));
      assertAnnounced(await served(client.clientAddress, { over }), client);
    });

    for (const [name, header] of Object.entries({
      "v2 LOCAL": proxyV2Header(),
      "v1 UNKNOWN": Buffer.from("PROXY UNKNOWN what ever follows\r\n"),
    })) {
      it(`may say that it speaks for nobody: it is the client itself (${name})`, async () => {
        const tls = await shop.connect("behind", { localAddress: proxy, prefix: header });
        const { clientPort } = tls;
        await useOnce(tls);
        const line = await shop.director.waitForLog(
          (one) => one["clientAddress"] === proxy && one["clientPort"] === clientPort,
        );
        assert.equal(line["outcome"], "completed");
        assert.equal(line["proxyAddress"], undefined);
      });
    }

    it("is named beside the client in the record of a failed handshake", async () => {
      const client = announcedClient();
      const raw = await peerOf("behind");
      await raw.send(Buffer.concat([proxyV2Header(client), Buffer.from("SSH-2.0-OpenSSH_9\r\n")]));
      const record = await failureOf(client);
      assertAnnounced(record, client);
      assert.equal(record.failure, "not-tls");
      const { stdout } = await shop.director.cli("show", "handshakes", "--failed");
      const words = `${client.clientAddress}:${client.clientPort} by ${proxy}`;
      assert.ok(stdout.includes(words), stdout);
    });

    it("announces the client of a redirect too", async () => {
      const client = announcedClient();
      const raw = await peerOf("redirect");
      await raw.send(
        Buffer.concat([
          proxyV1Header(client),
          Buffer.from("GET /a HTTP/1.1\r\nHost: shop.example\r\n\r\n"),
        ]),
      );
      assert.match(
        (await raw.read.toEnd()).toString(),
        /^HTTP\/1\.1 308 [^]*location: https:\/\/shop\.example\/a\r\n/i,
      );
      raw.end();
      assertAnnounced(await connectionLineOf(shop.director, client.clientAddress), client);
    });
  });

  describe("a listed peer without a good header", { concurrency: true }, () => {
    for (const [name, bytes] of Object.entries(badProxyHeaders)) {
      it(`gets a reset and is recorded as bad-proxy-header: ${name}`, async () => {
        const raw = await peerOf("behind");
        const { clientPort } = raw;
        await raw.send(bytes);
        assert.equal(await raw.read.outcome(), "ECONNRESET");
        assert.equal(raw.read.received, 0);
        const record = await failureOf({ clientAddress: proxy, clientPort });
        assert.partialDeepStrictEqual(record, {
          failure: "bad-proxy-header",
          clientAddress: proxy,
        });
        assert.equal(record.proxyAddress, undefined);
      });
    }

    it("is gone at the handshake deadline when it stops in mid-header", async () => {
      const raw = await peerOf("hasty");
      await raw.send(proxyV2Header(announcedClient()).subarray(0, 20));
      assert.equal(await raw.read.outcome(), "ECONNRESET");
      const hasty = `front.shop:${shop.portOf("hasty")}`;
      const record = await failedHandshakeWhere(shop.director, (one) => one.listener === hasty);
      assert.equal(record.failure, "deadline");
    });
  });

  describe("a peer that is not listed", { concurrency: true }, () => {
    it("is a direct client", async () => {
      const localAddress = uniqueVirtualIp();
      const line = await served(localAddress, { localAddress });
      assert.equal(line["proxyAddress"], undefined);
    });

    for (const [name, header] of [
      ["v1", proxyV1Header(announcedClient())],
      ["v2", proxyV2Header(announcedClient())],
    ] as const) {
      it(`is not heard when it announces a client: that is not TLS (${name})`, async () => {
        const localAddress = uniqueVirtualIp();
        const options = { localAddress, prefix: header };
        await assert.rejects(shop.connect("behind", options));
        const record = await failureOf({ clientAddress: localAddress });
        assert.equal(record.failure, "not-tls");
        assert.equal(record.proxyAddress, undefined);
      });
    }
  });

  it("counts the rate of an address against the client, not against the peer that announced it", async () => {
    const [busy, calm] = [announcedClient(), announcedClient()];
    const startedMs = performance.now();
    const raws = await Promise.all(
      Array.from({ length: 20 }, async (_, at) => {
        const raw = await peerOf("behind");
        await raw.send(proxyV2Header({ ...busy, clientPort: 30_000 + at }));
        return raw;
      }),
    );
    const most = (): number => {
      const seconds = (performance.now() - startedMs) / 1000;
      return Math.ceil(perAddressPerSecond * (1 + seconds));
    };
    const limited = await eventually(async () => {
      const records = await failedHandshakes(shop.director);
      const found = records.filter(({ clientAddress }) => clientAddress === busy.clientAddress);
      return found.length >= raws.length - most() && found;
    });
    for (const record of limited) {
      assert.partialDeepStrictEqual(record, {
        failure: "over-limit",
        limit: "address-handshake-rate",
        proxyAddress: proxy,
      });
    }
    assertAnnounced(await served(calm.clientAddress, { prefix: proxyV1Header(calm) }), calm);
    for (const raw of raws) raw.reset();
  });
});
