import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { HandshakeFailure } from "#model/records/outcome.ts";
import { freePort, uniqueVirtualIp } from "#harness/addresses.ts";
import { curl } from "#harness/clients.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { startEchoEndpoint } from "#harness/endpoints.ts";
import { forEachEngineIfLong } from "#harness/engines.ts";
import { FailureLedger } from "#harness/failed-handshakes.ts";
import { requirePackage } from "#harness/packages.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { rawConnect, type SocketClient } from "#harness/socket-client.ts";
import { createTestCa, type TestCa } from "#harness/test-ca.ts";
import { captureHello, tlsConnect } from "#harness/tls-client.ts";

/** `quick` has a short handshake deadline, `proxied` wants a PROXY header, `egress` is closed to the test's clients. */
const ports = { tls: 8443, quick: 8444, proxied: 8445, egress: 8446 };
/** Long compared with the time in which a busy machine answers a hello. */
const quickDeadlineMs = 3_000;

const httpPage = "This port speaks TLS. Use https:// in the address.\n";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
/** A fatal handshake_failure, RFC 8446 section 6.2. */
const handshakeFailureAlert = hex("15 0303 0002 0228");
/** Fatal protocol_version, in hex, whatever the version of its record. */
const protocolVersionAlert = /^1503..00020246$/;

forEachEngineIfLong("node", (engine) => {
  const ip = uniqueVirtualIp();
  let ca: TestCa;
  let hello: Buffer;
  let hello12: Buffer;
  let director: Director;
  let ledger: FailureLedger;

  before(async () => {
    ca = await createTestCa();
    const issued = await ca.issue({ names: ["shop.example"] });
    const { host, port } = await startEchoEndpoint();
    const shared = { to: port, certificates: ["shop"] };
    const remote = `127.0.0.1:${await freePort()}`;
    const listeners = [
      { ...shared, port: ports.tls },
      { ...shared, port: ports.quick, timeouts: { handshake: `${quickDeadlineMs}ms` } },
      { ...shared, port: ports.proxied, acceptProxyProtocol: ["127.0.0.0/8"] },
      { mode: "egress", port: ports.egress, to: remote },
    ];
    director = await startDirector({
      document: shopDocument({ ip, servers: { web: host }, to: port, vnic: { listeners } }),
      engine,
      workers: 1,
      files: { "shop.pem": issued.chainPem, "shop.key": issued.keyPem },
    });
    ledger = new FailureLedger(director);
    hello = await captureHello({ servername: "shop.example", minVersion: "TLSv1.3" });
    hello12 = await captureHello({ servername: "shop.example", maxVersion: "TLSv1.2" });
  });

  /** What a client is answered, in hex, that sends these bytes and waits for the end. */
  async function say(
    bytes: Uint8Array,
    failure: HandshakeFailure,
    rest: object = {},
    port = ports.tls,
  ): Promise<string> {
    const clientAddress = uniqueVirtualIp();
    let answer = "";
    try {
      await using client = await rawConnect({ host: ip, port, localAddress: clientAddress });
      client.socket.write(bytes);
      answer = (await client.read.toOutcome()).bytes.toString("hex");
    } catch (error) {
      // A listener that closes at once may be seen to do so in the connect.
      assert.equal((error as NodeJS.ErrnoException).code, "ECONNRESET");
    }
    await ledger.expect({ clientAddress }, failure, rest);
    return answer;
  }

  describe("what is not TLS", { concurrency: true }, () => {
    it("is closed without a byte and recorded as not-tls", async () => {
      assert.equal(await say(Buffer.from("SSH-2.0-OpenSSH_9.2\r\n"), "not-tls"), "");
      assert.equal(await say(hex("00 01 02 03 04 05 06 07"), "not-tls"), "");
      assert.equal(await say(Buffer.from("EHLO mail.example\r\n"), "not-tls"), "");
    });

    it("is answered with a short 400 page when it is plain HTTP, which curl shows", async (t) => {
      if (!(await requirePackage(t, "curl"))) return;
      const clientAddress = uniqueVirtualIp();
      const url = `http://${ip}:${ports.tls}/shop?id=1`;
      const asked = ["--interface", clientAddress, "-w", "%{http_code}", url];
      const { stdout, stderr, code } = await curl(asked);
      assert.equal(stdout, `${httpPage}400`, stderr);
      assert.equal(code, 0, stderr);
      await ledger.expect({ clientAddress }, "plaintext-http");
    });

    it("is answered whole when the client reads only after it has sent a megabyte", async () => {
      const clientAddress = uniqueVirtualIp();
      const where = { host: ip, port: ports.tls, localAddress: clientAddress };
      await using client = await rawConnect(where);
      await client.send("POST / HTTP/1.1\r\nhost: shop.example\r\ncontent-length: 1048576\r\n\r\n");
      await client.send(Buffer.alloc(1_048_576));
      const { bytes, outcome } = await client.read.toOutcome();
      assert.ok(bytes.toString().endsWith(`\r\n\r\n${httpPage}`), bytes.toString());
      assert.equal(outcome, "end");
      await ledger.expect({ clientAddress }, "plaintext-http");
    });

    it("is unsupported-version when it is a hello of SSLv2 or SSLv3, and gets the alert", async () => {
      const sslV2 = hex("802b 01 0002 0012 0000 0010 010080 0700c0 030080 060040 020080 040080");
      const tlsInSslV2 = hex(
        "802b 01 0301 0012 0000 0010 010080 0700c0 030080 060040 020080 040080",
      );
      for (const old of [sslV2, tlsInSslV2]) {
        assert.match(await say(old, "unsupported-version"), protocolVersionAlert);
      }
      const sslV3 = hex(`16 0300 002d 01 000029 0300 ${"07".repeat(32)} 00 0002 000a 01 00`);
      await say(sslV3, "unsupported-version", { offeredVersions: ["SSLv3"] });
    });
  });

  describe("a handshake that is broken", { concurrency: true }, () => {
    it("is a protocol-error when the hello is malformed, and too-large when it is too long", async () => {
      const detail = "The ClientHello is malformed.";
      const broken = Buffer.concat([hello.subarray(0, 9), Buffer.alloc(hello.length - 9, 0xff)]);
      await say(broken, "protocol-error", { detail });
      const endless = hex("16 0301 4000 01 01ffff");
      await say(endless, "too-large");
    });

    it("is a protocol-error when what follows the hello is no record, and tells the server name", async () => {
      const bytes = Buffer.concat([hello, Buffer.alloc(64, 0xff)]);
      await say(bytes, "protocol-error", { serverName: "shop.example" });
    });

    it("is client-alert, with the alert's name, when the client gives up", async () => {
      const bytes = Buffer.concat([hello12, handshakeFailureAlert]);
      const rest = { alert: "handshake_failure", serverName: "shop.example" };
      await say(bytes, "client-alert", rest);
    });

    it("is bad-proxy-header where a PROXY header is required and TLS comes", async () => {
      assert.equal(await say(hello, "bad-proxy-header", {}, ports.proxied), "");
    });

    it("is not-allowed when someone else than its servers uses an egress listener", async () => {
      assert.equal(await say(Buffer.from("GET /"), "not-allowed", {}, ports.egress), "");
    });
  });

  /** How far a client comes: accepted, a part of its hello, the whole of it and the answer. */
  const stages = ["nothing", "half of its hello", "its hello"] as const;

  async function connectAndSend(
    stage: (typeof stages)[number],
    port: number,
  ): Promise<{ client: SocketClient; clientAddress: string; sent: object }> {
    const clientAddress = uniqueVirtualIp();
    const client = await rawConnect({ host: ip, port, localAddress: clientAddress });
    if (stage === "half of its hello") await client.send(hello.subarray(0, hello.length >> 1));
    if (stage !== "its hello") return { client, clientAddress, sent: {} };
    await client.send(hello);
    // A byte of the ServerHello: the handshake has begun.
    await client.read.bytes(1);
    return { client, clientAddress, sent: { serverName: "shop.example" } };
  }

  /** The address of a client that resets before it is accepted is unknown. The director accepts in order. */
  async function untilAccepted(): Promise<void> {
    const trust = { ca: ca.certificatePem, servername: "shop.example" };
    await using later = await tlsConnect({ host: ip, port: ports.tls, ...trust });
    await later.send("x");
    await later.read.bytes(1);
  }

  describe("a client that sends nothing more", { concurrency: true }, () => {
    for (const stage of stages) {
      it(`after ${stage} is gone at the deadline`, async () => {
        const { client, clientAddress, sent } = await connectAndSend(stage, ports.quick);
        assert.match(await client.read.outcome(), /^(?:ECONNRESET|end)$/);
        const { durationMs } = await ledger.expect({ clientAddress }, "deadline", sent);
        assert.ok(durationMs >= quickDeadlineMs, `${durationMs} ms`);
      });
    }

    it("but a byte now and then is gone at the deadline all the same", async () => {
      const { client, clientAddress } = await connectAndSend("nothing", ports.quick);
      const bytes = hello.values();
      const dribble = setInterval(
        () => client.socket.write(Uint8Array.of(bytes.next().value ?? 0)),
        quickDeadlineMs / 20,
      );
      try {
        await client.read.outcome();
      } finally {
        clearInterval(dribble);
      }
      await ledger.expect({ clientAddress }, "deadline");
    });
  });

  describe("a client that leaves", { concurrency: true }, () => {
    for (const stage of stages) {
      it(`after ${stage} is recorded as closed, or as reset`, async () => {
        const closing = await connectAndSend(stage, ports.tls);
        closing.client.end();
        await ledger.expect({ clientAddress: closing.clientAddress }, "closed", closing.sent);
        const resetting = await connectAndSend(stage, ports.tls);
        await untilAccepted();
        resetting.client.reset();
        await ledger.expect({ clientAddress: resetting.clientAddress }, "reset", resetting.sent);
      });
    }
  });

  // This holds whatever tests have run before it: the ledger has the failures that they expected.
  it("counts what has failed by its names, and nothing else", () => ledger.assertCounted());
});
