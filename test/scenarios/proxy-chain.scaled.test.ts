import assert from "node:assert/strict";
import { before, describe, it, type TestContext } from "node:test";
import { freePort, hasIpv6Loopback, uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { curl } from "#harness/clients.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { failedHandshakes } from "#harness/failed-handshakes.ts";
import { startHaproxyFront } from "#harness/haproxy-front.ts";
import { isEvent } from "#harness/log-capture.ts";
import { requirePackage } from "#harness/packages.ts";
import { announcedClient, proxyV2Header, tlvTypes } from "#harness/proxy-header.ts";
import {
  startHaproxyEndpoint,
  startNginxEndpoint,
  type HaproxyView,
  type NginxView,
} from "#harness/real-endpoints.ts";
import { connectionLineOf, servedText, visit } from "#harness/recorded-handshake.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { writeFiles } from "#harness/temp-folder.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "#harness/test-ca.ts";
import { tlsConnect, type TlsConnectOptions } from "#harness/tls-client.ts";

const request = "GET /x HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n";

/** The answer that a client got through the director, and the address of the client. */
interface Answer {
  readonly view: unknown;
  readonly clientAddress: string;
  readonly clientPort: number;
}

forEachEngineIfLong("bun", (engine) => {
  const ip = uniqueVirtualIp();
  const balancer = uniqueVirtualIp();
  const ports = new Map<string, number>();
  let missing: string | undefined;
  let ca: TestCa;
  let issued: IssuedCertificate;
  let director: Director;

  const portOf = (key: string): number => ports.get(key) ?? 0;

  before(async () => {
    const t = { skip: (reason: string) => void (missing ??= reason) };
    if (!(await requirePackage(t, "nginx-light", "nginx"))) return;
    if (!(await requirePackage(t, "haproxy"))) return;
    ca = await createTestCa();
    issued = await ca.issue({ names: ["shop.example"] });
    const host = uniqueVirtualIp();
    const nginx = await startNginxEndpoint({ host, expectsProxyHeader: true });
    const haproxy = await startHaproxyEndpoint({ host, expectsProxyHeader: true });

    const listenerOf = async (key: string, more: object): Promise<object> => {
      const [virtualIp = "", program] = key.split(" ");
      ports.set(key, await freePort(virtualIp));
      const to = program === "nginx" ? nginx.port : haproxy.port;
      return { port: portOf(key), to, certificates: ["shop"], accessLog: "full", ...more };
    };
    const listenersOf = (virtualIp: string): Promise<object[]> =>
      Promise.all(
        ["nginx v1", "nginx v2", "haproxy v1", "haproxy v2"].map((key) =>
          listenerOf(`${virtualIp} ${key}`, { proxyProtocol: key.slice(-2) }),
        ),
      );
    const chained = { proxyProtocol: "v2", acceptProxyProtocol: [balancer] };
    const front = [
      ...(await listenersOf(ip)),
      await listenerOf(`${ip} chained`, chained),
      await listenerOf(`${ip} checked`, chained),
      await listenerOf(`${ip} nginx chained`, chained),
    ];
    const six = hasIpv6Loopback ? { six: { ip: "::1", listeners: await listenersOf("::1") } } : {};
    const vnics = { front: { ip, listeners: front }, ...six };
    director = await startDirector({
      document: shopDocument({ ip, servers: { web: host }, to: 0, profile: { vnics } }),
      engine,
      workers: 1,
      files: { "shop.pem": issued.chainPem, "shop.key": issued.keyPem },
    });
  });

  /** Skips where the machine lacks what the scenario is about. */
  const scenario = (name: string, run: (t: TestContext) => Promise<void>): void => {
    it(name, (t) => (missing === undefined ? run(t) : t.skip(missing)));
  };

  async function ask(options: TlsConnectOptions): Promise<Answer> {
    const client = await tlsConnect({
      ca: ca.certificatePem,
      servername: "shop.example",
      ...options,
    });
    const { clientPort } = client;
    const clientAddress = String(client.socket.localAddress);
    await client.send(request);
    const reply = (await client.read.toEnd()).toString();
    client.end();
    const view = JSON.parse(reply.slice(reply.indexOf("\r\n\r\n"))) as unknown;
    return { view, clientAddress, clientPort };
  }

  for (const virtualIp of hasIpv6Loopback ? [ip, "::1"] : [ip]) {
    const family = virtualIp === ip ? "IPv4" : "IPv6";
    for (const version of ["v1", "v2"] as const) {
      scenario(`nginx is told of the client (${version}, ${family})`, async () => {
        const port = portOf(`${virtualIp} nginx ${version}`);
        const { view, clientAddress, clientPort } = await ask({ host: virtualIp, port });
        assert.partialDeepStrictEqual(view, {
          proxy_protocol_addr: clientAddress,
          proxy_protocol_port: String(clientPort),
          proxy_protocol_server_addr: virtualIp,
          proxy_protocol_server_port: String(port),
          host: "shop.example",
        } satisfies Partial<NginxView>);
      });

      scenario(`HAProxy is told of the client (${version}, ${family})`, async () => {
        const port = portOf(`${virtualIp} haproxy ${version}`);
        const from = director.logs.length;
        const { view, clientAddress, clientPort } = await ask({ host: virtualIp, port });
        const line = await director.waitForLog(
          (one) => isEvent(one, "connection") && one["clientPort"] === clientPort,
          10_000,
          from,
        );
        assert.deepEqual(view, {
          src: clientAddress,
          src_port: String(clientPort),
          dst: virtualIp,
          dst_port: String(port),
          fc_rcvd_proxy: "1",
          fc_pp_authority: version === "v1" ? "" : "shop.example",
          fc_pp_unique_id: version === "v1" ? "" : String(line["id"]),
        } satisfies HaproxyView);
      });
    }
  }

  describe("between two HAProxys", () => {
    for (const header of ["send-proxy", "send-proxy-v2"] as const) {
      scenario(`the client is the one that the first of them saw (${header})`, async () => {
        const to = { host: ip, port: portOf(`${ip} chained`) };
        const front = await startHaproxyFront({ to, header, source: balancer });
        const localAddress = uniqueVirtualIp();
        const { host, port } = front;
        const { view, clientPort } = await ask({ host, port, localAddress });
        assert.partialDeepStrictEqual(view, {
          src: localAddress,
          src_port: String(clientPort),
          dst: host,
          dst_port: String(port),
          fc_pp_authority: "shop.example",
        });
        const line = await connectionLineOf(director, localAddress);
        assert.partialDeepStrictEqual(line, { clientPort, proxyAddress: balancer });
      });
    }

    for (const header of ["send-proxy-v2", "send-proxy-v2-ssl-cn"] as const) {
      scenario(`what was announced to the first of them reaches the last (${header})`, async () => {
        const to = { host: ip, port: portOf(`${ip} chained`) };
        const { host, port } = await startHaproxyFront({
          ...{ to, header, source: balancer, expectsProxyHeader: true },
          tlvs: ["crc32c", "authority", "unique-id"],
        });
        const client = announcedClient(6);
        const prefix = proxyV2Header(client, [
          { type: tlvTypes.authority, value: Buffer.from("announced.example") },
          { type: tlvTypes.uniqueId, value: Buffer.from("balancer-4711") },
        ]);
        const anonymous = { servername: "", rejectUnauthorized: false };
        const { view } = await ask({ host, port, prefix, ...anonymous });
        assert.deepEqual(view, {
          src: client.clientAddress,
          src_port: String(client.clientPort),
          dst: client.virtualIp,
          dst_port: String(client.virtualPort),
          fc_rcvd_proxy: "1",
          fc_pp_authority: "announced.example",
          fc_pp_unique_id: "balancer-4711",
        } satisfies HaproxyView);
        const line = await connectionLineOf(director, client.clientAddress);
        assert.partialDeepStrictEqual(line, { proxyAddress: balancer, uniqueId: "balancer-4711" });
      });
    }

    for (const header of ["send-proxy", "send-proxy-v2"] as const) {
      scenario(
        `the first one's bare checks are counted and are no failures (${header})`,
        async () => {
          const to = { host: ip, port: portOf(`${ip} checked`) };
          const probesSoFar = async (): Promise<number> =>
            (await director.metrics()).sum("tlsd_proxy_probes_total", {
              listener: `front.shop:${to.port}`,
            });
          const probesBefore = await probesSoFar();
          const front = await startHaproxyFront({ to, header, source: balancer, check: "tcp" });
          await eventually(async () => (await probesSoFar()) >= probesBefore + 5, 20_000);
          front.process.child.kill("SIGTERM");
          await front.process.exited;
          const failures = await failedHandshakes(director);
          // What the harness itself sends through the front, to see it up, has another client address; a check that the
          // end of the front cuts before it has sent its header may have none.
          const ofChecks = failures.filter(
            ({ listener, clientAddress }) =>
              listener === `front.shop:${to.port}` && !["127.0.0.1", ""].includes(clientAddress),
          );
          assert.deepEqual(ofChecks, []);
        },
      );
    }

    scenario(
      "the first one's checks, which speak for no client, keep the director in use",
      async () => {
        const to = { host: ip, port: portOf(`${ip} chained`) };
        const from = director.logs.length;
        const source = balancer;
        const front = await startHaproxyFront({
          to,
          header: "send-proxy-v2",
          source,
          check: "tls",
        });
        const checked = await director.waitForLog(
          (line) => isEvent(line, "connection") && line["clientAddress"] === balancer,
          10_000,
          from,
        );
        assert.equal(checked["proxyAddress"], undefined);
        await writeFiles(director.dir, { "ca.pem": ca.certificatePem });
        const address = `shop.example:${front.port}`;
        const { code, stdout, output } = await curl([
          ...["--cacert", `${director.dir}/ca.pem`, "--resolve", `${address}:${front.host}`],
          `https://${address}/x`,
        ]);
        assert.equal(code, 0, output);
        assert.partialDeepStrictEqual(JSON.parse(stdout), { src: "127.0.0.1", dst: front.host });
      },
    );
  });

  scenario("nginx takes a header that holds what the first proxy said", async () => {
    const client = announcedClient();
    const prefix = proxyV2Header(client, [
      { type: 0xea, value: Buffer.from("\u0001vpce-08d2bf15fac5001c9") },
      { type: 0xe3, value: Buffer.alloc(600, "a") },
    ]);
    const port = portOf(`${ip} nginx chained`);
    const { view } = await ask({ host: ip, port, prefix, localAddress: balancer });
    assert.partialDeepStrictEqual(view, {
      proxy_protocol_addr: client.clientAddress,
      proxy_protocol_port: String(client.clientPort),
      proxy_protocol_server_addr: client.virtualIp,
      proxy_protocol_server_port: String(client.virtualPort),
    } satisfies Partial<NginxView>);
  });

  scenario("a director tells the next one, ahead of TLS between them", async () => {
    const endpoint = await startHttpEndpoint(servedText);
    const port = 8443;
    const files = {
      "shop.pem": issued.chainPem,
      "shop.key": issued.keyPem,
      "ca.pem": ca.certificatePem,
    };
    const [outerIp, innerIp] = [uniqueVirtualIp(), uniqueVirtualIp()];
    const inner = await startDirector({
      document: shopDocument({
        ip: innerIp,
        servers: { web: endpoint.host },
        to: endpoint.port,
        listener: { accessLog: "full", acceptProxyProtocol: ["127.0.0.1"] },
      }),
      engine,
      workers: 1,
      files,
    });
    await startDirector({
      document: shopDocument({
        ip: outerIp,
        servers: { inner: innerIp },
        to: port,
        listener: {
          proxyProtocol: "v2",
          endpointTls: { ca: "ca.pem", serverName: "shop.example" },
        },
      }),
      engine,
      workers: 1,
      files,
    });
    const clientAddress = uniqueVirtualIp();
    await visit({
      host: outerIp,
      port,
      localAddress: clientAddress,
      ca: ca.certificatePem,
      servername: "shop.example",
    });
    const line = await connectionLineOf(inner, clientAddress);
    assert.partialDeepStrictEqual(line, { proxyAddress: "127.0.0.1", serverName: "shop.example" });
    assert.match(String(line["uniqueId"]), /^[0-9a-z]+-[0-9a-z]+-[0-9a-z]+$/);
  });
});
