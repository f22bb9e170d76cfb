import assert from "node:assert/strict";
import type { TLSSocket } from "node:tls";
import { before, it } from "node:test";
import { startAcceptingEndpoint, type AcceptingEndpoint } from "#harness/accepting-endpoint.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import type { Endpoint } from "#harness/endpoint.ts";
import { startHttpEndpoint, startSinkEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { patternBytes, patternDigest } from "#harness/pattern.ts";
import { startShop, type Shop } from "#harness/shop.ts";
import { createTestCa, type IssueOptions, type TestCa } from "#harness/test-ca.ts";
import type { TlsClient } from "#harness/tls-client.ts";
import type { SocketClient } from "#harness/socket-client.ts";

const name = "backend.example";
const longBytes = 3_000_000;
const connectMs = 700;

const cases = {
  verified: { issue: { names: [name] }, tls: { ca: "endpoint-ca.pem", serverName: name } },
  byAddress: { issue: { names: [] }, tls: { ca: "endpoint-ca.pem" } },
  wrongName: {
    issue: { names: ["other.example"] },
    tls: { ca: "endpoint-ca.pem", serverName: name },
  },
  wrongAddress: { issue: { names: ["127.0.0.1"] }, tls: { ca: "endpoint-ca.pem" } },
  untrusted: { issue: { names: [name] }, tls: { ca: "other-ca.pem", serverName: name } },
  notInSystem: { issue: { names: [name] }, tls: { serverName: name } },
  expired: {
    issue: { names: [name], validity: "expired" },
    tls: { ca: "endpoint-ca.pem", serverName: name },
  },
  notYetValid: {
    issue: { names: [name], validity: "not-yet-valid" },
    tls: { ca: "endpoint-ca.pem", serverName: name },
  },
  unverified: {
    issue: { names: ["other.example"], validity: "expired" },
    tls: { verify: false, ca: "other-ca.pem", serverName: name },
  },
  mutual: {
    issue: { names: [name] },
    tls: { ca: "endpoint-ca.pem", serverName: name, certificate: "director" },
    requires: true,
  },
  withoutCertificate: {
    issue: { names: [name] },
    tls: { ca: "endpoint-ca.pem", serverName: name },
    requires: true,
  },
} as const satisfies Readonly<
  Record<
    string,
    { readonly issue: IssueOptions; readonly tls: object; readonly requires?: boolean }
  >
>;
type Case = keyof typeof cases;
const caseNames = Object.keys(cases) as readonly Case[];

forEachEngineIfLong("bun", (engine) => {
  const host = uniqueVirtualIp();
  const endpoints = new Map<Case, AcceptingEndpoint>();
  let plain: Endpoint;
  let ca: TestCa;
  let shop: Shop<Case | "plain" | "mute">;

  const startCase = async (which: Case): Promise<readonly [Case, object]> => {
    const { issue, tls, ...rest } = cases[which];
    const names = which === "byAddress" ? [host] : issue.names;
    const certificate = await ca.issue({ ...issue, names });
    const accepting = await startAcceptingEndpoint({
      host,
      tls: {
        key: certificate.keyPem,
        cert: certificate.chainPem,
        requestCert: "requires" in rest,
        rejectUnauthorized: "requires" in rest,
        ca: ca.certificatePem,
      },
    });
    endpoints.set(which, accepting);
    return [which, { to: accepting.endpoint.port, endpointTls: tls }];
  };

  before(async () => {
    ca = await createTestCa("endpoint CA");
    const otherCa = await createTestCa("other CA");
    const director = await ca.issue({ names: ["director.example"], usage: "client" });
    plain = await startHttpEndpoint("hello\n", { host });
    const mute = await startSinkEndpoint({ host });
    const endpointTls = { ca: "endpoint-ca.pem" };
    const listeners = await Promise.all(caseNames.map(startCase));
    shop = await startShop<Case | "plain" | "mute">({
      engine,
      servers: { web: host },
      listeners: {
        ...(Object.fromEntries(listeners) as Record<Case, object>),
        plain: { to: plain.port, endpointTls },
        mute: { to: mute.port, endpointTls, timeouts: { connect: `${connectMs}ms` } },
      },
      more: {
        certificates: {
          shop: { chain: "shop.pem", key: "shop.key" },
          director: { chain: "director.pem", key: "director.key" },
        },
      },
      files: {
        "endpoint-ca.pem": ca.certificatePem,
        "other-ca.pem": otherCa.certificatePem,
        "director.pem": director.chainPem,
        "director.key": director.keyPem,
      },
    });
  });

  const endpointOf = (which: Case): AcceptingEndpoint => endpoints.get(which) ?? assert.fail(which);

  const meet = (which: Case): Promise<[TlsClient, SocketClient]> =>
    endpointOf(which).meet(() => shop.connect(which));

  for (const [which, what] of [
    ["verified", "is verified with CA and name"],
    ["byAddress", "is verified with CA and address"],
    ["unverified", "is not verified, whatever certificate it has"],
    ["mutual", "asks for the director's certificate"],
  ] as const) {
    it(`carries all bytes both ways over TLS to an endpoint that ${what}`, async () => {
      const [client, server] = await meet(which);
      const request = client.send(patternBytes(longBytes));
      client.end();
      assert.deepEqual(await server.read.digestToEnd(), patternDigest(longBytes));
      const answer = server.send(patternBytes(longBytes));
      server.end();
      assert.deepEqual(await client.read.digestToEnd(), patternDigest(longBytes));
      await Promise.all([request, answer]);
      assert.equal((await shop.recordOf(client)).outcome, "completed");
    });
  }

  it("asks the endpoint for its name and shows it the director's certificate", async () => {
    const [, server] = await meet("mutual");
    const socket = server.socket as TLSSocket & { readonly servername?: string };
    assert.equal(socket.servername, name);
    assert.equal(socket.getPeerCertificate().subject?.CN, "director.example");
    assert.ok(socket.authorized);
  });

  it("passes on what an endpoint says first, and ends with it", async () => {
    const [client, server] = await meet("verified");
    await server.send("220 hello\n");
    assert.equal(await client.read.until("\n"), "220 hello\n");
    endpointOf("verified").endpoint.resetAll();
    assert.equal(await client.read.outcome(), "end");
    assert.equal((await shop.recordOf(client)).outcome, "endpoint-reset");
  });

  for (const [which, failure] of [
    ["wrongName", "wrong-name"],
    ["wrongAddress", "wrong-name"],
    ["untrusted", "untrusted"],
    ["notInSystem", "untrusted"],
    ["expired", "expired"],
    ["notYetValid", "expired"],
    ["plain", "tls-failed"],
    ["mute", "timeout"],
  ] as const) {
    it(`sends no byte of the client to an endpoint that cannot be verified, and names it ${failure} (${which})`, async () => {
      const client = await shop.connect(which);
      await client.send("secret").catch(() => undefined);
      assert.equal(await client.read.outcome(), "ECONNRESET");
      const record = await shop.recordOf(client);
      assert.deepEqual([record.outcome, record.endpointFailure], ["endpoint-failed", failure]);
      if (which === "plain" || which === "mute") return;
      const accepting = endpointOf(which);
      // An endpoint may see the end of the handshake before the director refuses it.
      if (accepting.endpoint.accepted === 0) return;
      const server = await accepting.accept();
      await server.read.outcome();
      assert.equal(server.read.received, 0);
    });
  }

  it("resets the client when the endpoint refuses a director that shows no certificate", async () => {
    const client = await shop.connect("withoutCertificate");
    assert.equal(await client.read.outcome(), "ECONNRESET");
    const { outcome, endpointFailure } = await shop.recordOf(client);
    // TLS 1.3 servers refuse when the client's side of the handshake is already done.
    assert.match(
      `${outcome} ${endpointFailure}`,
      /^(endpoint-failed tls-failed|endpoint-(tls-error|reset) undefined)$/,
    );
  });
});
