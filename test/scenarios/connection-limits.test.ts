import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { OverLimit } from "#model/outcome.ts";
import { freePort, uniqueVirtualIp } from "#harness/addresses.ts";
import { startAcceptingEndpoint, type AcceptingEndpoint } from "#harness/accepting-endpoint.ts";
import { eventually } from "#harness/deadline.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { forEachEngine } from "#harness/engines.ts";
import { failedHandshakes } from "#harness/failed-handshakes.ts";
import { rawConnect, rejectedConnect, type SocketClient } from "#harness/socket-client.ts";
import { createTestCa, type TestCa } from "#harness/test-ca.ts";
import { tlsConnect, type TlsClient } from "#harness/tls-client.ts";

const limitOfFront = 3;
const limitInAll = 6;
const ports = { tls: 8443, hasty: 8444, broken: 8445, redirect: 8446 };
type Port = keyof typeof ports;

forEachEngine((engine) => {
  const frontIp = uniqueVirtualIp();
  const sideIp = uniqueVirtualIp();
  const refusals = new Map<OverLimit, number>();
  let ca: TestCa;
  let endpoint: AcceptingEndpoint;
  let director: Director;
  let documentWith: (maxConnections: number | undefined) => object;

  before(async () => {
    ca = await createTestCa();
    const issued = await ca.issue({ names: ["shop.example"] });
    endpoint = await startAcceptingEndpoint();
    const { host, port: to } = endpoint.endpoint;
    const nowhere = await freePort(host);
    const tls = { to, certificates: ["shop"] };
    const listeners = [
      { ...tls, port: ports.tls },
      { ...tls, port: ports.hasty, timeouts: { handshake: "300ms" } },
      { ...tls, port: ports.broken, to: nowhere },
      { port: ports.redirect, mode: "redirect" },
    ];
    const side = { ip: sideIp, listeners: [{ ...tls, port: ports.tls }] };
    documentWith = (maxConnections) => ({
      director: { maxConnections: limitInAll },
      servers: { web: { address: host } },
      profiles: {
        shop: {
          servers: ["web"],
          vnics: {
            side,
            ...(maxConnections === undefined
              ? {}
              : { front: { ip: frontIp, qos: { maxConnections }, listeners } }),
          },
        },
      },
      certificates: { shop: { chain: "shop.pem", key: "shop.key" } },
    });
    director = await startDirector({
      document: documentWith(limitOfFront),
      engine,
      workers: 1,
      files: { "shop.pem": issued.chainPem, "shop.key": issued.keyPem },
    });
  });

  const open = (host = frontIp): Promise<TlsClient> =>
    tlsConnect({ host, port: ports.tls, ca: ca.certificatePem, servername: "shop.example" });

  /** One connection too many, which is turned away at once: nothing is asked of it, and nothing said. */
  async function assertFull(limit: OverLimit, host = frontIp, port: Port = "tls"): Promise<void> {
    const localAddress = uniqueVirtualIp();
    const end = await rejectedConnect({ host, port: ports[port], localAddress });
    assert.deepEqual(end, { outcome: "ECONNRESET", received: 0 });
    refusals.set(limit, (refusals.get(limit) ?? 0) + 1);
    const record = await eventually(async () =>
      (await failedHandshakes(director)).find((one) => one.clientAddress === localAddress),
    );
    assert.partialDeepStrictEqual(record, { failure: "over-limit", limit });
  }

  /** Waits until one more is let in. */
  const openWhenFree = (): Promise<TlsClient> =>
    eventually(async () => {
      try {
        return await open();
      } catch (error) {
        assert.equal((error as { code?: string }).code, "ECONNRESET");
        refusals.set("vnic-connections", (refusals.get("vnic-connections") ?? 0) + 1);
        return undefined;
      }
    }, 10_000);

  async function close(...clients: readonly TlsClient[]): Promise<void> {
    for (const client of clients) client.reset();
    await untilOpen(0);
  }

  const untilOpen = (count: number): Promise<unknown> =>
    eventually(
      async () => (await director.metrics()).sum("tlsd_connections_open") === count,
      10_000,
      `${count} open connections`,
    );
});
