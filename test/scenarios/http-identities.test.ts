import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { startDirector } from "#harness/director.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import { headersOf, requestFieldsOf } from "#harness/http2-client.ts";
import { Http2Socket } from "#harness/http2-socket.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { createTestCa, type IssuedCertificate } from "#harness/test-ca.ts";
import { tlsConnect, type TlsClient } from "#harness/tls-client.ts";

const versions = ["TLSv1.2", "TLSv1.3"] as const;

/** The identity that each form of a name has, as a server name and as a host. `undefined` is no server name. */
const SERVER_NAMES = [
  ["safe.example", "partners"],
  ["SAFE.example", "partners"],
  ["safe.example.", "partners"],
  ["any.wild.example", "partners"],
  ["bank.example", "banks"],
  ["open.example", "default"],
  ["a.b.wild.example", "default"],
  [undefined, "default"],
] as const;
const HOSTS = [
  ["safe.example", "partners"],
  ["Safe.Example:8443", "partners"],
  ["safe.example.:8443", "partners"],
  ["other.wild.example", "partners"],
  ["OTHER.Wild.example.", "partners"],
  ["bank.example", "banks"],
  ["BANK.example.", "banks"],
  ["open.example", "default"],
  ["unknown.example.", "default"],
  ["wild.example", "default"],
  ["127.0.0.1", "default"],
] as const;

/** Sends a request for each host at once, and returns the status of each answer. */
async function statusesOverHttp1(client: TlsClient): Promise<readonly string[]> {
  const requests = HOSTS.map(([host]) => `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await client.send(requests.join(""));
  const statuses: string[] = [];
  while (statuses.length < HOSTS.length) {
    const head = await client.read.until("\r\n\r\n");
    await client.read.bytes(Number(/^content-length: (\d+)/im.exec(head)?.[1]));
    statuses.push(head.split(" ", 2)[1] ?? "");
  }
  return statuses;
}

/** Asks for the same hosts over HTTP/2, by `:authority` or by a Host field, and returns the statuses. */
async function statusesOverHttp2(
  client: TlsClient,
  name: ":authority" | "host",
): Promise<readonly string[]> {
  const session = Http2Socket.over(client);
  const ids = HOSTS.map((_, at) => 2 * at + 1);
  session.send(
    ...HOSTS.map(([host], at) =>
      headersOf(2 * at + 1, requestFieldsOf({ ":authority": undefined, [name]: host })),
    ),
  );
  await session.untilEnded(ids);
  return ids.map((id) => session.statusOf(id) ?? "none");
}

const protocols = {
  "http/1.1": { alpn: "http/1.1", statusesOf: statusesOverHttp1 },
  h2: { alpn: "h2", statusesOf: (client: TlsClient) => statusesOverHttp2(client, ":authority") },
  "h2 with Host": {
    alpn: "h2",
    statusesOf: (client: TlsClient) => statusesOverHttp2(client, "host"),
  },
};

forEachEngine((engine) => {
  describe("the hosts of a connection", { concurrency: true }, () => {
    const ip = uniqueVirtualIp();
    /** The client certificates of both CAs. */
    const clients = new Map<string, IssuedCertificate>();

    before(async () => {
      const endpoint = await startHttpEndpoint("served");
      const [shops, partners, banks] = await Promise.all([
        createTestCa("shops"),
        createTestCa("partners"),
        createTestCa("banks"),
      ]);
      const shop = await shops.issue({ names: ["open.example"] });
      for (const [name, ca] of [
        ["partners", partners],
        ["banks", banks],
      ] as const) {
        clients.set(name, await ca.issue({ names: [`${name}.example`], usage: "client" }));
      }
      await startDirector({
        engine,
        workers: 1,
        document: shopDocument({
          ip,
          servers: { one: endpoint.host },
          to: endpoint.port,
          listener: {
            mode: "http",
            names: {
              "safe.example": { policy: "partners" },
              "*.wild.example": { policy: "partners" },
              "bank.example": { policy: "banks" },
            },
          },
          more: {
            policies: {
              partners: { clientAuth: { mode: "require", ca: "partners.pem" } },
              banks: { clientAuth: { mode: "require", ca: "banks.pem" } },
            },
          },
        }),
        files: {
          "shop.pem": shop.chainPem,
          "shop.key": shop.keyPem,
          "partners.pem": partners.certificatePem,
          "banks.pem": banks.certificatePem,
        },
      });
    });

    for (const version of versions) {
      for (const [protocol, { alpn, statusesOf }] of Object.entries(protocols)) {
        for (const [servername, identity] of SERVER_NAMES) {
          it(`${version}, ${protocol}: are those of the identity of ${servername ?? "no server name"}, also if it is resumed`, async () => {
            const certificate = clients.get(identity) ?? clients.get("partners");
            const connect = (session?: Buffer): Promise<TlsClient> =>
              tlsConnect({
                ...{ host: ip, port: 8443, rejectUnauthorized: false, session },
                ...{ minVersion: version, maxVersion: version, servername: servername ?? "" },
                ...{ cert: certificate?.chainPem, key: certificate?.keyPem },
                ALPNProtocols: [alpn],
              });
            const wanted = HOSTS.map(([, of]) => (of === identity ? "200" : "421"));
            await using first = await connect();
            assert.equal(first.facts.alpn, alpn);
            assert.deepEqual(await statusesOf(first), wanted);
            await using again = await connect(await first.session());
            assert.equal(again.facts.isResumed, true);
            assert.deepEqual(await statusesOf(again), wanted);
          });
        }
      }
    }
  });
});
