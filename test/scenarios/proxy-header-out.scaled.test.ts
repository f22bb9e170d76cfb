import assert from "node:assert/strict";
import { before, it } from "node:test";
import { TLSSocket } from "node:tls";
import { freePort, hasIpv6Loopback, uniqueVirtualIp } from "#harness/addresses.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startEndpoint, type Behaviour, type Endpoint } from "#harness/endpoint.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { isEvent, type LogLine } from "#harness/log-capture.ts";
import { proxyV1Header, tlvTypes, type ProxyAddresses } from "#harness/proxy-header.ts";
import { checksummedHeader, sslTlv, textTlv } from "#harness/proxy-tlvs.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "#harness/test-ca.ts";
import {
  tlsConnect,
  type TlsClient,
  type TlsConnectOptions,
  type TlsFacts,
} from "#harness/tls-client.ts";

const greeting = "first\n";
const commonName = "Zoë of partners";
const ports = { v1: 8443, v2: 8444, "v2 to TLS": 8445, "v2 for the known": 8446, none: 8447 };

forEachEngineIfLong("bun", (engine) => {
  const ip = uniqueVirtualIp();
  let ca: TestCa;
  let partner: IssuedCertificate;
  let endpoint: Endpoint;
  let tlsEndpoint: Endpoint;
  let director: Director;
  let ipv6Ports: { readonly v1: number; readonly v2: number };
  let wildcardPorts: { readonly v1: number; readonly v2: number };

  before(async () => {
    ca = await createTestCa();
    const issued = await ca.issue({ names: ["shop.example"] });
    const inside = await ca.issue({ names: ["inside.example"] });
    partner = await ca.issue({ names: [], commonName, usage: "client" });
    const echo: Behaviour = (socket) => void socket.on("end", () => socket.end()).pipe(socket);
    endpoint = await startEndpoint(echo, { expectsProxyHeader: true });
    const plain = await startEndpoint(echo);
    tlsEndpoint = await startEndpoint(
      (socket, self) =>
        echo(
          new TLSSocket(socket, { isServer: true, cert: inside.chainPem, key: inside.keyPem }),
          self,
        ),
      { expectsProxyHeader: true },
    );
    const ipv6 = hasIpv6Loopback ? "::1" : ip;
    ipv6Ports = { v1: await freePort(ipv6), v2: await freePort(ipv6) };
    const wildcard = hasIpv6Loopback ? "::" : "0.0.0.0";
    wildcardPorts = { v1: await freePort(wildcard), v2: await freePort(wildcard) };
    const listener = (port: number, more: object): object => ({
      port,
      to: endpoint.port,
      certificates: ["shop"],
      accessLog: "full",
      policy: "open",
      proxyProtocol: "v2",
      ...more,
    });
    const endpointTls = { ca: "ca.pem", serverName: "inside.example" };
    const listeners = [
      listener(ports.v1, { proxyProtocol: "v1" }),
      listener(ports.v2, {}),
      listener(ports["v2 to TLS"], { to: tlsEndpoint.port, endpointTls }),
      listener(ports["v2 for the known"], { policy: "partners" }),
      listener(ports.none, { to: plain.port, proxyProtocol: "none" }),
    ];
    const ipv6Listeners = [
      listener(ipv6Ports.v1, { proxyProtocol: "v1" }),
      listener(ipv6Ports.v2, {}),
    ];
    const wildcardListeners = [
      listener(wildcardPorts.v1, { proxyProtocol: "v1" }),
      listener(wildcardPorts.v2, {}),
    ];
    const vnics = {
      front: { ip, listeners },
      any: { ip: "0.0.0.0", listeners: wildcardListeners },
      ...(hasIpv6Loopback
        ? {
            six: { ip: "::1", listeners: ipv6Listeners },
            any6: { ip: "::", listeners: wildcardListeners },
          }
        : {}),
    };
    director = await startDirector({
      document: shopDocument({
        ip,
        servers: { web: endpoint.host },
        to: endpoint.port,
        profile: { vnics },
        more: {
          policies: {
            open: { alpn: ["http/1.1"] },
            partners: { clientAuth: { mode: "request", ca: "ca.pem" } },
          },
        },
      }),
      engine,
      workers: 1,
      files: {
        "shop.pem": issued.chainPem,
        "shop.key": issued.keyPem,
        "ca.pem": ca.certificatePem,
      },
    });
  });

  interface Announced {
    readonly client: TlsClient;
    readonly facts: TlsFacts;
    readonly header: Buffer;
    readonly addresses: ProxyAddresses;
    readonly line: LogLine;
  }

  /** One connection with a few bytes each way: the header that the endpoint got, and the access line. */
  async function announced(
    options: TlsConnectOptions,
    to: Endpoint = endpoint,
  ): Promise<Announced> {
    const known = to.proxyHeaders.length;
    const from = director.logs.length;
    const virtualIp = options.host ?? ip;
    const client = await tlsConnect({
      ca: ca.certificatePem,
      host: ip,
      servername: "shop.example",
      ...options,
    });
    const addresses = {
      clientAddress: String(client.socket.localAddress),
      clientPort: client.clientPort,
      virtualIp,
      virtualPort: options.port ?? 0,
    };
    const { facts } = client;
    await client.send(greeting);
    assert.equal(await client.read.until("\n"), greeting);
    client.end();
    await client.read.toEnd();
    const header = to.proxyHeaders[known]?.bytes ?? Buffer.alloc(0);
    const line = await director.waitForLog(
      (candidate) =>
        isEvent(candidate, "connection") && candidate["clientPort"] === client.clientPort,
      10_000,
      from,
    );
    return { client, facts, header, addresses, line };
  }

  it("tells the endpoint client and virtual IP in a line of text (v1)", async () => {
    const { header, addresses } = await announced({ port: ports.v1 });
    assert.equal(header.toString("latin1"), proxyV1Header(addresses).toString("latin1"));
  });

  it("tells the endpoint everything it knows of the client, to the byte (v2)", async () => {
    const { header, addresses, line, facts } = await announced({
      port: ports.v2,
      ALPNProtocols: ["h2", "http/1.1"],
    });
    const expected = checksummedHeader(addresses, [
      textTlv(tlvTypes.alpn, "http/1.1"),
      textTlv(tlvTypes.authority, "shop.example"),
      textTlv(tlvTypes.uniqueId, String(line["id"])),
      sslTlv({ client: 1, verify: 1, version: facts.protocol, cipher: facts.cipher }),
    ]);
    assert.equal(header.toString("hex"), expected.toString("hex"));
  });

  it("leaves out what there is not: server name, ALPN, certificate (v2)", async () => {
    const { header, addresses, line, facts } = await announced({
      port: ports.v2,
      servername: "",
      rejectUnauthorized: false,
      maxVersion: "TLSv1.2",
    });
    assert.equal(facts.protocol, "TLSv1.2");
    const expected = checksummedHeader(addresses, [
      textTlv(tlvTypes.uniqueId, String(line["id"])),
      sslTlv({ client: 1, verify: 1, version: "TLSv1.2", cipher: facts.cipher }),
    ]);
    assert.equal(header.toString("hex"), expected.toString("hex"));
  });

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    it(`tells the subject of a client certificate, and whether this connection showed it (${version})`, async () => {
      const known = {
        port: ports["v2 for the known"],
        cert: partner.chainPem,
        key: partner.keyPem,
        maxVersion: version,
      };
      const first = await announced(known);
      const again = await announced({ ...known, session: await first.client.session() });
      for (const [shown, bits] of [
        [first, 1 | 2 | 4],
        [again, 1 | 4],
      ] as const) {
        const { header, addresses, line, facts } = shown;
        assert.equal(facts.isResumed, shown === again);
        const expected = checksummedHeader(addresses, [
          textTlv(tlvTypes.authority, "shop.example"),
          textTlv(tlvTypes.uniqueId, String(line["id"])),
          sslTlv({ client: bits, verify: 0, version, commonName, cipher: facts.cipher }),
        ]);
        assert.equal(header.toString("hex"), expected.toString("hex"));
        assert.equal(line["clientCertificate"], commonName);
      }
    });
  }

  it("says of a client without the certificate that it was asked for that nothing is verified", async () => {
    await announced({ port: ports["v2 for the known"] });
    const header = endpoint.proxyHeaders.at(-1);
    assert.partialDeepStrictEqual(header, { ssl: { client: 1, verify: 1 } });
  });

  it("comes before TLS where the endpoint takes TLS", async () => {
    const { header, addresses, line } = await announced({ port: ports["v2 to TLS"] }, tlsEndpoint);
    const [head] = tlsEndpoint.proxyHeaders;
    assert.deepEqual(head?.addresses, addresses);
    assert.equal(head?.bytes.toString("hex"), header.toString("hex"));
    assert.equal(line["outcome"], "completed");
    assert.deepEqual(tlsEndpoint.errors, []);
  });

  it("speaks of an IPv6 virtual IP in IPv6", { skip: !hasIpv6Loopback }, async () => {
    for (const version of ["v1", "v2"] as const) {
      const port = ipv6Ports[version];
      const { header, addresses, line, facts } = await announced({ host: "::1", port });
      assert.equal(addresses.clientAddress, "::1");
      const expected =
        version === "v1"
          ? proxyV1Header(addresses)
          : checksummedHeader(addresses, [
              textTlv(tlvTypes.authority, "shop.example"),
              textTlv(tlvTypes.uniqueId, String(line["id"])),
              sslTlv({ client: 1, verify: 1, version: facts.protocol, cipher: facts.cipher }),
            ]);
      assert.equal(header.toString("hex"), expected.toString("hex"));
    }
  });

  for (const host of hasIpv6Loopback ? [uniqueVirtualIp(), "::1"] : [uniqueVirtualIp()]) {
    const virtualIp = host === "::1" ? "::" : "0.0.0.0";
    it(`says which address the client connected to where the virtual IP is ${virtualIp}`, async () => {
      for (const version of ["v1", "v2"] as const) {
        const port = wildcardPorts[version];
        const { header, addresses, line, facts } = await announced({ host, port });
        assert.equal(addresses.virtualIp, host);
        const expected =
          version === "v1"
            ? proxyV1Header(addresses)
            : checksummedHeader(addresses, [
                textTlv(tlvTypes.authority, "shop.example"),
                textTlv(tlvTypes.uniqueId, String(line["id"])),
                sslTlv({ client: 1, verify: 1, version: facts.protocol, cipher: facts.cipher }),
              ]);
        assert.equal(header.toString("hex"), expected.toString("hex"));
        assert.equal(line["virtualIp"], virtualIp);
      }
    });
  }

  it("sends no header where none is asked for", async () => {
    const client = await tlsConnect({
      host: ip,
      port: ports.none,
      ca: ca.certificatePem,
      servername: "shop.example",
    });
    await client.send(greeting);
    client.end();
    assert.equal((await client.read.toEnd()).toString(), greeting);
  });
});
