import assert from "node:assert/strict";
import { before, describe, it, type TestContext } from "node:test";
import { freePort, hasIpv6Loopback, uniqueVirtualIp } from "#harness/addresses.ts";
import { curl } from "#harness/clients.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import { startHaproxyFront } from "#harness/haproxy-front.ts";
import { isEvent } from "#harness/log-capture.ts";
import { requirePackage } from "#harness/packages.ts";
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

/** What a client got through the director, and who the client is. */
interface Answer {
  readonly view: unknown;
  readonly clientAddress: string;
  readonly clientPort: number;
}

forEachEngine((engine) => {
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
    const front = [...(await listenersOf(ip)), await listenerOf(`${ip} chained`, chained)];
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
          dst: ip,
          dst_port: String(to.port),
          fc_pp_authority: "shop.example",
        });
        const line = await connectionLineOf(director, localAddress);
        assert.partialDeepStrictEqual(line, { clientPort, proxyAddress: balancer });
      });
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
          hasCheck: true,
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
        assert.partialDeepStrictEqual(JSON.parse(stdout), { src: "127.0.0.1", dst: ip });
      },
    );
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
  });
});
