import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { Socket } from "node:net";
import { TLSSocket, type TlsOptions } from "node:tls";
import { startEchoEndpoint, startHalfCloseEndpoint, startSourceEndpoint } from "./endpoints.ts";
import { startEndpoint } from "./endpoint.ts";
import { eventually } from "./deadline.ts";
import { patternDigest } from "./pattern.ts";
import { proxyV2Header } from "./proxy-header.ts";
import { rawConnect } from "./socket-client.ts";
import { createTestCa } from "./test-ca.ts";
import { tlsConnect } from "./tls-client.ts";

describe("the TLS client", () => {
  let tls: TlsOptions;
  let trust: { readonly ca: string; readonly servername: string };

  before(async () => {
    const ca = await createTestCa();
    const issued = await ca.issue({ names: ["shop.example"] });
    tls = { cert: issued.chainPem, key: issued.keyPem };
    trust = { ca: ca.certificatePem, servername: "shop.example" };
  });

  it("verifies, echoes and shows what was negotiated", async () => {
    const { port } = await startEchoEndpoint({ tls });
    const client = await tlsConnect({ port, ...trust });
    await client.send("one\ntwo\n");
    assert.equal(await client.read.until("\n"), "one\n");
    assert.equal((await client.read.bytes(4)).toString(), "two\n");
    assert.equal(client.facts.protocol, "TLSv1.3");
    assert.equal(client.facts.isResumed, false);
    assert.equal(client.facts.peerCertificate.subject.CN, "shop.example");
    await assert.rejects(tlsConnect({ port, ...trust, servername: "other.example" }), {
      code: "ERR_TLS_CERT_ALTNAME_INVALID",
    });
  });

  it("resumes a session", async () => {
    const { port } = await startEchoEndpoint({ tls });
    const session = await (await tlsConnect({ port, ...trust })).session();
    const resumed = await tlsConnect({ port, ...trust, session });
    assert.equal(resumed.facts.isResumed, true);
  });

  it("reads an answer after its own half-close", async () => {
    const { port } = await startHalfCloseEndpoint((received) => `got ${received.length}`, { tls });
    const client = await tlsConnect({ port, ...trust });
    await client.send("12345");
    client.end();
    assert.equal((await client.read.toEnd()).toString(), "got 5");
  });

  it("takes nothing while it does not read", async () => {
    const bytes = 64 * 1024 * 1024;
    const { port, open } = await startSourceEndpoint(bytes, { tls });
    const client = await tlsConnect({ port, ...trust });
    await client.read.bytes(1);
    const [served] = open;
    assert.ok(served !== undefined && served.writableLength > 0);
    assert.ok(client.read.received < 1024 * 1024);
    const digest = await client.read.digestToEnd();
    assert.equal(digest.bytes, bytes - 1);
  });

  it("receives the pattern bit-exactly", async () => {
    const bytes = 3 * 1024 * 1024 + 7;
    const { port } = await startSourceEndpoint(bytes, { tls });
    const client = await tlsConnect({ port, ...trust });
    assert.deepEqual(await client.read.digestToEnd(), patternDigest(bytes));
  });

  it("sends a PROXY header in the packet of the ClientHello, or in one of its own", async () => {
    const echoOverTls = (socket: Socket): void => {
      const secure = new TLSSocket(socket, { ...tls, isServer: true });
      secure.on("data", (chunk) => secure.write(chunk));
    };
    const endpoint = await startEndpoint(echoOverTls, { expectsProxyHeader: true });
    const header = proxyV2Header();
    const raw = await rawConnect({ port: endpoint.port });
    await raw.send(header);
    const clients = [
      await tlsConnect({ port: endpoint.port, ...trust, prefix: header }),
      await tlsConnect({ over: raw, ...trust }),
    ];
    for (const client of clients) {
      await client.send("hello");
      assert.equal((await client.read.bytes(5)).toString(), "hello");
    }
    assert.deepEqual(
      endpoint.proxyHeaders.map((seen) => seen.command),
      ["LOCAL", "LOCAL"],
    );
  });

  it("resets", async () => {
    const endpoint = await startEchoEndpoint({ tls });
    const client = await tlsConnect({ port: endpoint.port, ...trust });
    const served = await eventually(() => [...endpoint.open][0]);
    const closed = new Promise((resolve) => served.once("close", resolve));
    client.reset();
    await closed;
    assert.deepEqual(endpoint.errors, ["ECONNRESET"]);
  });
});
