import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { failedHandshakeWhere } from "#harness/failed-handshakes.ts";
import { announcedClient, proxyV1Header } from "#harness/proxy-header.ts";
import { servedText } from "#harness/recorded-handshake.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { rawConnect, rejectedConnect } from "#harness/socket-client.ts";
import type { TlsConnectOptions } from "#harness/tls-client.ts";

const request = "GET / HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n";

type Name = "open" | "allowed" | "denied" | "both" | "behind" | "redirect" | "rated";

forEachEngineIfLong("bun", (engine) => {
  const guest = uniqueVirtualIp();
  const proxy = uniqueVirtualIp();
  const host = (address: string): string => `${address}/32`;
  const announced = announcedClient(4);
  let shop: Shop<Name>;

  before(async () => {
    const { port: to } = await startHttpEndpoint(servedText);
    shop = await startShop({
      engine,
      vnic: { qos: { handshakesPerSecond: 1_000, handshakesPerSecondPerAddress: 5 } },
      listeners: {
        open: { to },
        allowed: { to, allowFrom: [host(guest), host(announced.clientAddress)] },
        denied: { to, denyFrom: [host(guest)] },
        both: { to, allowFrom: ["127.0.0.0/8"], denyFrom: [host(guest)] },
        behind: {
          to,
          acceptProxyProtocol: [host(proxy)],
          denyFrom: [host(announced.clientAddress)],
        },
        redirect: { mode: "redirect", certificates: [], denyFrom: [host(guest)] },
        rated: { to, denyFrom: [host(guest)] },
      },
    });
  });

  const isServed = async (listener: Name, options: TlsConnectOptions): Promise<void> => {
    await using client = await shop.connect(listener, options);
    await client.send(request);
    await client.read.until(servedText);
  };

  /** The client comes from `localAddress`, where `announced` does not say that it comes from elsewhere. */
  const isRefused = async (
    listener: Name,
    localAddress: string,
    words = "",
    clientAddress = localAddress,
  ): Promise<void> => {
    const target = { host: shop.ip, port: shop.portOf(listener), localAddress };
    assert.equal((await rejectedConnect(target, words)).outcome, "ECONNRESET");
    const name = `front.shop:${shop.portOf(listener)}`;
    const record = await failedHandshakeWhere(
      shop.director,
      (candidate) =>
        candidate.listener === name &&
        candidate.clientAddress === clientAddress &&
        candidate.failure === "not-allowed",
    );
    assert.match(record.detail ?? "", /^(in denyFrom|not in allowFrom)$/);
  };

  describe("allowFrom and denyFrom", { concurrency: true }, () => {
    it("let every client in if they are empty", () => isServed("open", { localAddress: guest }));

    it("let in only clients that allowFrom has", async () => {
      await isServed("allowed", { localAddress: guest });
      await isRefused("allowed", uniqueVirtualIp());
    });

    it("turn away clients that denyFrom has", async () => {
      await isServed("denied", { localAddress: uniqueVirtualIp() });
      await isRefused("denied", guest);
    });

    it("turn away a client that both have", async () => {
      await isServed("both", { localAddress: uniqueVirtualIp() });
      await isRefused("both", guest);
    });

    it("judge the client that a PROXY header announces, and the peer that announces none", async () => {
      const header = proxyV1Header(announced).toString("latin1");
      await isRefused("behind", proxy, header, announced.clientAddress);
      await isServed("behind", {
        localAddress: proxy,
        prefix: proxyV1Header({ ...announced, clientAddress: "203.0.113.200" }),
      });
      await isServed("behind", { localAddress: uniqueVirtualIp() });
    });

    it("hold on a redirect listener", async () => {
      const target = { host: shop.ip, port: shop.portOf("redirect") };
      await using client = await rawConnect(target);
      await client.send(request);
      await client.read.until("308");
      await isRefused("redirect", guest);
    });

    it("take nothing of the rates from a client that they turn away", async () => {
      for (let attempt = 0; attempt < 20; attempt += 1) await isRefused("rated", guest);
      await shop.untilMetric("tlsd_connections_refused_total", 20, {}, "rated");
      await shop.untilMetric("tlsd_connections_limited_total", 0, {}, "rated");
    });
  });
});
