import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import { headersOf, requestFieldsOf } from "#harness/http2-client.ts";
import { Http2Socket } from "#harness/http2-socket.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { createTestCa, type IssuedCertificate } from "#harness/test-ca.ts";
import { tlsConnect, type TlsClient } from "#harness/tls-client.ts";

const versions = ["TLSv1.2", "TLSv1.3"] as const;
const protocols = ["http/1.1", "h2"] as const;

/** The names of the listener by the clients that they trust: two share one identity, and one trusts everybody. */
const TRUST = {
  "safe.example": "partners",
  "any.wild.example": "partners",
  "bank.example": "banks",
  "asks.example": "partners",
  "open.example": undefined,
} as const;
type Name = keyof typeof TRUST;
/** Pairs of names. The second one must not resume a session of the first one. */
const STRANGERS: readonly (readonly [from: Name, to: Name])[] = [
  ["open.example", "safe.example"],
  ["open.example", "asks.example"],
  ["asks.example", "safe.example"],
  ["safe.example", "bank.example"],
  ["bank.example", "any.wild.example"],
  ["safe.example", "open.example"],
];

/** Sends a request. Returns the status and the body of the answer, or undefined if the connection was refused. */
async function ask(
  client: TlsClient,
  host: string,
): Promise<readonly [status: string, body: string] | undefined> {
  if (client.facts.alpn === "h2") {
    const session = Http2Socket.over(client);
    session.send(headersOf(1, requestFieldsOf({ ":authority": host })));
    await session.untilEnded([1]);
    const status = session.statusOf(1);
    return status === undefined ? undefined : [status, session.bodyOf(1)];
  }
  try {
    await client.send(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    const text = (await client.read.toEnd()).toString();
    const [head = "", body = ""] = text.split("\r\n\r\n");
    return text === "" ? undefined : [head.split(" ", 2)[1] ?? "", body];
  } catch {
    return undefined;
  }
}

forEachEngine((engine) => {
  let shop: Shop<"names" | "plain" | "same" | "other" | "bound">;
  const clients = new Map<string | undefined, IssuedCertificate>();

  before(async () => {
    // Each connection of the endpoint has a number, which is in its answers.
    let connections = 0;
    const numbers = new WeakMap<object, number>();
    const endpoint = await startHttpEndpoint((request, response) => {
      const number = numbers.get(request.socket) ?? (connections += 1);
      numbers.set(request.socket, number);
      response.end(String(number));
    });
    const [partners, banks] = await Promise.all([createTestCa("partners"), createTestCa("banks")]);
    for (const [name, ca] of [
      ["partners", partners],
      ["banks", banks],
    ] as const) {
      clients.set(name, await ca.issue({ names: [`${name}.example`], usage: "client" }));
    }
    const clientAuth = (mode: string, ca: string): object => ({ clientAuth: { mode, ca } });
    const listener = { mode: "http", to: endpoint.port };
    shop = await startShop({
      engine,
      servers: { web: endpoint.host },
      listeners: {
        names: {
          ...listener,
          names: {
            "safe.example": { policy: "partners" },
            "*.wild.example": { policy: "partners" },
            "bank.example": { policy: "banks" },
            "asks.example": { policy: "asks" },
          },
        },
        plain: listener,
        same: listener,
        other: { ...listener, policy: "other" },
        bound: { ...listener, pool: { reuse: "never" } },
      },
      more: {
        policies: {
          partners: clientAuth("require", "partners.pem"),
          asks: clientAuth("request", "partners.pem"),
          banks: clientAuth("require", "banks.pem"),
          other: { minVersion: "TLSv1.3" },
        },
      },
      files: { "partners.pem": partners.certificatePem, "banks.pem": banks.certificatePem },
    });
  });

  const connect = (
    version: (typeof versions)[number],
    protocol: string,
    name: Name,
    certificate: IssuedCertificate | undefined,
    session?: Buffer,
  ): Promise<TlsClient> =>
    tlsConnect({
      ...{ host: shop.ip, port: shop.portOf("names"), rejectUnauthorized: false },
      ...{ minVersion: version, maxVersion: version, servername: name, session },
      ...(certificate && { cert: certificate.chainPem, key: certificate.keyPem }),
      ALPNProtocols: [protocol],
    });

  describe("a session of one name", { concurrency: true }, () => {
    for (const version of versions) {
      for (const protocol of protocols) {
        for (const [from, to] of STRANGERS) {
          it(`${version}, ${protocol}: of ${from} does not resume for ${to}, which trusts other clients`, async () => {
            const own = clients.get(TRUST[from]);
            await using first = await connect(version, protocol, from, own);
            assert.equal((await ask(first, from))?.[0], "200");
            const session = await first.session();
            await using again = await connect(version, protocol, from, own, session);
            assert.equal(again.facts.isResumed, true);
            // With the certificate of its own it is a client like any other.
            const wanted = clients.get(TRUST[to]);
            await using known = await connect(version, protocol, to, wanted, session);
            assert.equal(known.facts.isResumed, false);
            assert.equal((await ask(known, to))?.[0], "200");
            assert.equal((await ask(again, to))?.[0], "421");
            if (TRUST[to] === undefined || to === "asks.example") return;
            // In TLS 1.2, the client learns of the refusal in the handshake.
            const refused = await connect(version, protocol, to, undefined, session).catch(
              () => undefined,
            );
            assert.equal(refused && (await ask(refused, to)), undefined);
          });
        }

        it(`${version}, ${protocol}: serves another name of the same identity, and the other protocol`, async () => {
          const partner = clients.get("partners");
          await using first = await connect(version, protocol, "safe.example", partner);
          assert.equal((await ask(first, "any.wild.example"))?.[0], "200");
          const other = protocol === "h2" ? "http/1.1" : "h2";
          const session = await first.session();
          await using again = await connect(version, other, "safe.example", undefined, session);
          assert.deepEqual([again.facts.isResumed, again.facts.alpn], [true, other]);
          assert.equal((await ask(again, "any.wild.example"))?.[0], "200");
        });
      }
    }
  });

  describe("connections to endpoints", { concurrency: false }, () => {
    const visit = async (
      listener: "plain" | "same" | "other" | "bound",
      protocol: string,
    ): Promise<string> => {
      await using client = await shop.connect(listener, { ALPNProtocols: [protocol] });
      const [status, body] = (await ask(client, "shop.example")) ?? [];
      assert.equal(status, "200");
      return body ?? "";
    };

    it("serve clients of both protocols and of listeners with equal settings, and no others", async () => {
      const first = await visit("plain", "h2");
      assert.equal(await visit("plain", "http/1.1"), first);
      assert.equal(await visit("same", "http/1.1"), first);
      assert.equal(await visit("same", "h2"), first);
      const other = await visit("other", "h2");
      assert.notEqual(other, first);
      assert.equal(await visit("other", "http/1.1"), other);
      const bound = [
        await visit("bound", "h2"),
        await visit("bound", "h2"),
        await visit("bound", "http/1.1"),
      ];
      assert.equal(new Set([first, other, ...bound]).size, 5);
      assert.equal(await visit("plain", "h2"), first);
    });
  });
});
